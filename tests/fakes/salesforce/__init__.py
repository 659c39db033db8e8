"""A stateful stand-in for Salesforce's REST API and Bulk API 2.0 over real HTTP, on a loopback port.

    from fakes.salesforce import SalesforceFake

    with SalesforceFake() as fake:
        fake.create("Contact", FirstName="Paul", LastName="Atreides")

Written from https://developer.salesforce.com/docs (api_rest, api_asynch, soql_sosl, object_reference), never from our provider. What it takes
from the vendor: objects and fields by describe (304 by If-Modified-Since); SOQL (`soql.py`: SELECT, COUNT(), WHERE, ORDER BY, LIMIT, FIELDS);
query, queryAll with deleted records, cursors that die; composite; single records, and collections of 200 with a result for each; upsert by
external id; conditions by If-Unmodified-Since; jobs of Bulk API 2.0 with CSV; limits as 403; addresses that are too long; tokens without an
end, by code (PKCE), refresh token and client credentials. Ids have 15 or 18 characters, times whole seconds.

Objects       create(name, **fields)   change(name, id, **fields)   delete(name, id)   erase(name, id): for good   merge(name, loser, winner)
Schema        add_object(name, fields)   add_field(name, field)   hide(name, field): by field-level security
Compare       objects(name) -> {id: record as a query of all its fields shows it}
Requests      requests -> [Seen(method, path, params, status)]
Tokens        token, refresh_token, client_id, client_secret; expire() ends sessions, revoke() ends the grant
Clock         clock.advance(seconds), clock.freeze(), clock.run()
Pages         page_cap, bulk_page: at most so many a page
Trouble       lagging: writes are seen at commit() only, with the stamps they had; kill_cursors(); locked: ids that another transaction holds;
              exhausted: no request is left; bulk: "fails", "vanishes", "refused"; counts: what recordCount says
"""

from fakes.salesforce.fake import SalesforceFake
from fakes.salesforce.schema import Field

__all__ = ["Field", "SalesforceFake"]
