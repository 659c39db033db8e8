"""The objects of an organization: what describe says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

Doc = dict[str, Any]


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "string"
    required: bool = False
    external: bool = False  # externalId
    system: bool = False  # set by Salesforce alone
    compound: tuple[str, ...] = ()  # of an address or a place: its parts
    formula: str | None = None  # the field whose text it shows in capitals

    def described(self) -> Doc:
        return {
            "name": self.name, "label": self.name.replace("__c", "").replace("_", " "), "type": self.type,
            "custom": self.name.endswith("__c"), "externalId": self.external, "idLookup": self.external or self.name == "Id",
            "nillable": not self.required, "createable": not self.system, "updateable": not self.system,
            "calculated": self.formula is not None, "filterable": self.type not in {"address", "location", "base64"},
            "compoundFieldName": None, "deprecatedAndHidden": False, "length": 255 if self.type == "string" else 0,
        }  # fmt: skip


@dataclass
class Object:
    name: str
    prefix: str
    fields: dict[str, Field]
    stamp: str = "SystemModstamp"  # none: ""
    modified: float = 0.0  # when the description last changed
    hidden: set[str] = field(default_factory=set)

    def shown(self) -> dict[str, Field]:
        return {name: one for name, one in self.fields.items() if name not in self.hidden}

    def find(self, name: str) -> Field | None:
        """A field by its name, in whatever case."""
        return next((one for one in self.shown().values() if one.name.lower() == name.lower()), None)


def _system(stamp: str) -> list[Field]:
    head = [Field("Id", "id", system=True), Field("IsDeleted", "boolean", system=True)]
    if not stamp:
        return head
    times = [Field(name, "datetime", system=True) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")]
    return [*head, *times, Field("CreatedById", "reference", system=True), Field("LastModifiedById", "reference", system=True)]


def _address(prefix: str) -> list[Field]:
    parts = tuple(f"{prefix}{part}" for part in ("Street", "City", "State", "PostalCode", "Country"))
    return [*(Field(part) for part in parts), Field(f"{prefix}Address", "address", system=True, compound=parts)]


def make(name: str, prefix: str, fields: list[Field], stamp: str = "SystemModstamp") -> Object:
    return Object(name, prefix, {one.name: one for one in [*_system(stamp), *fields]}, stamp)


MASTER: Final = Field("MasterRecordId", "reference", system=True)


def standard() -> list[Object]:
    return [
        make("Account", "001", [Field("Name", required=True), Field("Website", "url"), Field("AnnualRevenue", "currency"),
                                Field("NumberOfEmployees", "int"), Field("AccountNumber"), MASTER, *_address("Billing")]),
        make("Contact", "003", [Field("AccountId", "reference"), Field("FirstName"), Field("LastName", required=True),
                                Field("Email", "email"), Field("Title"), Field("Description", "textarea"), Field("HasOptedOutOfEmail", "boolean"),
                                Field("Birthdate", "date"), MASTER, *_address("Mailing")]),
        make("Lead", "00Q", [Field("LastName", required=True), Field("Company", required=True), Field("Status", "picklist"), MASTER,
                             *_address("")]),
        make("Attachment", "00P", [Field("Name", required=True), Field("ParentId", "reference"), Field("Body", "base64"),
                                   Field("BodyLength", "int")]),
        make("Invoice__c", "a00", [Field("Name"), Field("Key__c", external=True), Field("Total__c", "currency"), Field("Paid__c", "boolean"),
                                   Field("Due__c", "date"), Field("Sent__c", "datetime"), Field("Note__c", "textarea"),
                                   Field("Place__Latitude__s", "double"), Field("Place__Longitude__s", "double"),
                                   Field("Place__c", "location", system=True, compound=("Place__Latitude__s", "Place__Longitude__s")),
                                   Field("Loud__c", system=True, formula="Note__c")]),
        make("Invoice__History", "017", [Field("Field")]),
        make("Setting__c", "a01", [Field("Name")], stamp=""),
    ]  # fmt: skip
