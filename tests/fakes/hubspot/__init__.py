"""A stateful HubSpot over real HTTP, written from the vendor's published descriptions.

    with HubSpotFake() as hubspot:
        anna = hubspot.create("contacts", email="anna@example.com")
        hubspot.change("contacts", anna, firstname="Anna")
        hubspot.associate("contacts", anna, "companies", acme)

What makes HubSpot hard to read is in it: few properties unless they are named, and an address of 8 kB at most; a search whose index lags by
`index_lag` seconds, without associations and archived objects, with `after` as an offset and no more than 10,000 results; ids that vanish
in a merge, ids that answer for another one; associations that change no date; 207 for a batch in part, told apart by objectWriteTraceId; a
page of HTML for an address that is none; 429 in three kinds (`enforce`); a token endpoint that takes its parameters in the body alone.
"""

from fakes.hubspot.fake import CLIENT, HUB_ID, TOKEN, HubSpotFake

__all__ = ["CLIENT", "HUB_ID", "TOKEN", "HubSpotFake"]
