"""Salesforce's standard objects that nearly every organization has, with the fields that they have everywhere.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference. What an organization has beside them, objects and
fields, it describes itself (`salesforce_describe`). A collection is named after the object in lower case: `salesforce:contact`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, NamedTuple, cast

from pgsluice.providers.base import Collection, Field
from pgsluice.providers.errors import UnknownCollection

PREFIX: Final = "salesforce:"
# Names of objects: letters, digits and lines; custom ones end with __c, those of a package begin with its namespace.
FORM: Final = "salesforce:[a-z][a-z0-9_]{0,79}"
_FORM: Final = re.compile(FORM, re.ASCII)

_Kind = Literal["text", "integer", "number", "boolean", "time", "date", "object", "array", "any"]
ALL: Final = ("create", "update", "delete", "upsert")
_ALWAYS: Final = "boolean IsDeleted | time CreatedDate LastModifiedDate SystemModstamp | text CreatedById LastModifiedById"


class _Known(NamedTuple):
    name: str
    description: str
    fields: str  # type of field, then its fields; the types are divided by a bar
    mutations: tuple[str, ...] = ALL


_OBJECTS: Final = (
    _Known(
        "Account",
        "companies and people that business is done with",
        "text Name Type Industry Phone Fax Website BillingStreet BillingCity BillingState BillingPostalCode BillingCountry "
        "ShippingStreet ShippingCity ShippingState ShippingPostalCode ShippingCountry AccountNumber Description Rating OwnerId "
        "ParentId MasterRecordId Sic AccountSource | integer NumberOfEmployees | number AnnualRevenue",
    ),
    _Known(
        "Contact",
        "people at accounts",
        "text AccountId FirstName LastName Name Salutation Title Department Email Phone MobilePhone HomePhone OtherPhone Fax "
        "MailingStreet MailingCity MailingState MailingPostalCode MailingCountry OtherStreet OtherCity OtherState "
        "OtherPostalCode OtherCountry AssistantName LeadSource Description OwnerId ReportsToId MasterRecordId "
        "EmailBouncedReason | date Birthdate LastCURequestDate | time EmailBouncedDate | boolean IsEmailBounced",
    ),
    _Known(
        "Lead",
        "people who may become customers",
        "text FirstName LastName Name Salutation Title Company Street City State PostalCode Country Phone MobilePhone Fax Email "
        "Website Status LeadSource Industry Rating Description OwnerId MasterRecordId ConvertedAccountId ConvertedContactId "
        "ConvertedOpportunityId | number AnnualRevenue | integer NumberOfEmployees | boolean IsConverted IsUnreadByOwner | date "
        "ConvertedDate",
    ),
    _Known(
        "Opportunity",
        "deals",
        "text AccountId Name StageName Type LeadSource NextStep Description ForecastCategory ForecastCategoryName OwnerId "
        "CampaignId Pricebook2Id ContactId | number Amount Probability ExpectedRevenue TotalOpportunityQuantity | date "
        "CloseDate | boolean IsClosed IsWon IsPrivate HasOpportunityLineItem | integer FiscalYear FiscalQuarter",
    ),
    _Known(
        "OpportunityLineItem",
        "products of a deal",
        "text OpportunityId PricebookEntryId Product2Id ProductCode Name Description | integer SortOrder | number Quantity "
        "UnitPrice TotalPrice ListPrice Discount | date ServiceDate",
    ),
    _Known(
        "OpportunityContactRole",
        "which contacts play which part in a deal",
        "text OpportunityId ContactId Role | boolean IsPrimary",
    ),
    _Known(
        "Case",
        "questions and troubles of customers",
        "text CaseNumber ContactId AccountId AssetId ParentId Subject Description Status Priority Origin Reason Type "
        "SuppliedName SuppliedEmail SuppliedPhone SuppliedCompany OwnerId MasterRecordId Comments | boolean IsClosed "
        "IsEscalated | time ClosedDate",
    ),
    _Known(
        "CaseComment",
        "comments on cases",
        "text ParentId CommentBody | boolean IsPublished",
    ),
    _Known(
        "Task",
        "things to do, calls and mails",
        "text WhoId WhatId Subject Status Priority Description OwnerId AccountId Type TaskSubtype CallType CallDisposition "
        "CallObject | date ActivityDate | integer CallDurationInSeconds | boolean IsClosed IsHighPriority IsArchived "
        "IsReminderSet IsRecurrence | time ReminderDateTime CompletedDateTime",
    ),
    _Known(
        "Event",
        "appointments",
        "text WhoId WhatId Subject Location Description OwnerId AccountId Type ShowAs | time ActivityDateTime StartDateTime "
        "EndDateTime ReminderDateTime | date ActivityDate EndDate | integer DurationInMinutes | boolean IsAllDayEvent IsPrivate "
        "IsArchived IsChild IsGroupEvent IsReminderSet IsRecurrence",
    ),
    _Known(
        "Campaign",
        "marketing campaigns",
        "text Name ParentId Type Status Description OwnerId | date StartDate EndDate | boolean IsActive | number BudgetedCost "
        "ActualCost ExpectedRevenue ExpectedResponse NumberSent AmountAllOpportunities AmountWonOpportunities | integer "
        "NumberOfLeads NumberOfConvertedLeads NumberOfContacts NumberOfResponses NumberOfOpportunities NumberOfWonOpportunities",
    ),
    _Known(
        "CampaignMember",
        "who a campaign reached",
        "text CampaignId LeadId ContactId Status Name FirstName LastName Email Phone CompanyOrAccount LeadOrContactId "
        "LeadOrContactOwnerId Type | boolean HasResponded | date FirstRespondedDate",
    ),
    _Known(
        "User",
        "people who work in the organization",
        "text Username LastName FirstName Name CompanyName Division Department Title Email Phone MobilePhone Alias "
        "TimeZoneSidKey LocaleSidKey LanguageLocaleKey EmailEncodingKey UserType UserRoleId ProfileId ManagerId EmployeeNumber "
        "FederationIdentifier | boolean IsActive | time LastLoginDate",
        ("create", "update", "upsert"),
    ),
    _Known(
        "UserRole",
        "places in the hierarchy of roles",
        "text Name ParentUserRoleId DeveloperName RollupDescription",
        ("create", "update", "delete"),
    ),
    _Known(
        "Profile",
        "what users may do",
        "text Name Description UserType UserLicenseId",
        (),
    ),
    _Known(
        "Group",
        "public groups and queues",
        "text Name DeveloperName RelatedId Type Email OwnerId | boolean DoesSendEmailToMembers DoesIncludeBosses",
        ("create", "update", "delete"),
    ),
    _Known(
        "RecordType",
        "kinds of records of an object",
        "text Name DeveloperName NamespacePrefix Description BusinessProcessId SobjectType | boolean IsActive",
        (),
    ),
    _Known(
        "Product2",
        "what is sold",
        "text Name ProductCode Description Family ExternalDataSourceId ExternalId DisplayUrl QuantityUnitOfMeasure "
        "StockKeepingUnit | boolean IsActive IsArchived",
    ),
    _Known(
        "Pricebook2",
        "lists of prices",
        "text Name Description | boolean IsActive IsArchived IsStandard",
    ),
    _Known(
        "PricebookEntry",
        "the price of a product in a list",
        "text Name Pricebook2Id Product2Id ProductCode | number UnitPrice | boolean IsActive UseStandardPrice IsArchived",
    ),
    _Known(
        "Order",
        "orders",
        "text AccountId ContractId Pricebook2Id OpportunityId OrderNumber OrderReferenceNumber Status StatusCode Type Name "
        "Description OwnerId BillingStreet BillingCity BillingState BillingPostalCode BillingCountry ShippingStreet "
        "ShippingCity ShippingState ShippingPostalCode ShippingCountry | date EffectiveDate EndDate | number TotalAmount | time "
        "ActivatedDate | boolean IsReductionOrder",
    ),
    _Known(
        "OrderItem",
        "products of an order",
        "text OrderId Product2Id PricebookEntryId OrderItemNumber Description OriginalOrderItemId | number Quantity "
        "AvailableQuantity UnitPrice ListPrice TotalPrice | date ServiceDate EndDate",
    ),
    _Known(
        "Contract",
        "contracts",
        "text AccountId Pricebook2Id Status StatusCode ContractNumber Description SpecialTerms OwnerId OwnerExpirationNotice "
        "ActivatedById CustomerSignedId CompanySignedId BillingStreet BillingCity BillingState BillingPostalCode BillingCountry "
        "| integer ContractTerm | date StartDate EndDate CustomerSignedDate CompanySignedDate | time ActivatedDate "
        "LastApprovedDate",
    ),
    _Known(
        "Asset",
        "what customers own",
        "text ContactId AccountId ParentId RootAssetId Product2Id ProductCode Name SerialNumber Status Description OwnerId | "
        "date InstallDate PurchaseDate UsageEndDate | number Price Quantity | boolean IsCompetitorProduct",
    ),
    _Known(
        "EmailMessage",
        "mails about cases and other records",
        "text ParentId ActivityId Subject TextBody HtmlBody Headers FromName FromAddress ToAddress CcAddress BccAddress Status "
        "MessageIdentifier ThreadIdentifier RelatedToId | boolean Incoming HasAttachment IsExternallyVisible | time MessageDate",
    ),
    _Known(
        "ContentVersion",
        "versions of files",
        "text ContentDocumentId Title Description PathOnClient FileType FileExtension VersionNumber Checksum ContentUrl OwnerId "
        "FirstPublishLocationId Origin VersionData | integer ContentSize RatingCount | boolean IsLatest | time "
        "ContentModifiedDate",
        ("create", "update"),
    ),
    _Known(
        "ContentDocument",
        "files",
        "text Title Description FileType FileExtension PublishStatus LatestPublishedVersionId OwnerId ParentId | integer "
        "ContentSize | boolean IsArchived | time ContentModifiedDate ArchivedDate",
        ("update", "delete"),
    ),
    _Known(
        "Note",
        "notes on records, of the old kind",
        "text ParentId Title Body OwnerId | boolean IsPrivate",
    ),
    _Known(
        "Attachment",
        "files on records, of the old kind",
        "text ParentId Name ContentType Description OwnerId Body | integer BodyLength | boolean IsPrivate",
    ),
    _Known(
        "OpportunityHistory",
        "stages that deals went through",
        "text OpportunityId StageName ForecastCategory PrevAmount PrevCloseDate | number Amount ExpectedRevenue Probability | "
        "date CloseDate",
        (),
    ),
)
NAMES: Final[Mapping[str, str]] = {f"{PREFIX}{known.name.lower()}": known.name for known in _OBJECTS}
# Everything is read again so often: what was deleted for good, and formulas, whose results change without a stamp.
SWEEP: Final = timedelta(days=7)


def _fields(text: str) -> tuple[Field, ...]:
    found = [Field("Id", "text", primary_key=True)]
    for group in f"{text} | {_ALWAYS}".split(" | "):
        kind, *names = group.split()
        found += [Field(name, cast("_Kind", kind)) for name in names]
    return tuple(found)


COLLECTIONS: Final[Mapping[str, Collection]] = {
    f"{PREFIX}{known.name.lower()}": Collection(
        f"{PREFIX}{known.name.lower()}", known.description, known.mutations, _fields(known.fields), if_match=bool(known.mutations)
    )
    for known in _OBJECTS
}


def object_of(collection_id: str) -> str:
    """The object's API name. Of one that only the organization knows, in lower case: Salesforce takes names without regard to case.

    Raises UnknownCollection.
    """
    if collection_id in NAMES:
        return NAMES[collection_id]
    if not _FORM.fullmatch(collection_id):
        raise UnknownCollection(
            f"Salesforce has no collection {collection_id!r}",
            hint="it is salesforce: and the object's API name in lower case, as salesforce:contact or salesforce:invoice__c",
        )
    return collection_id.removeprefix(PREFIX)


def long_id(text: str) -> str:
    """The 18 characters of an id of 15, which differ from another's without regard to case. Anything else stays as it is.

    https://help.salesforce.com/s/articleView?id=000385585: one character for each five, by which of them are capitals.
    """
    if len(text) != 15 or not text.isascii() or not text.isalnum():
        return text
    marks = [sum(1 << place for place, letter in enumerate(text[start : start + 5]) if letter.isupper()) for start in (0, 5, 10)]
    return text + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[mark] for mark in marks)
