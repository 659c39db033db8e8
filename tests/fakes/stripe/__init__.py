"""A stateful stand-in for Stripe over real HTTP, on a loopback port.

    from fakes.stripe import StripeFake, faults

    with StripeFake() as fake:                      # or the fixture `stripe_fake` of fakes.fixtures
        client = stripe.StripeClient(fake.key, base_addresses={"api": fake.url})

Written from the vendor's published description, never from our provider. What it knows: /v1/customers, products, prices, plans,
subscriptions (+ /v1/subscription_items?subscription=), invoices (+ /lines, /add_lines, /finalize, /pay, /void, /mark_uncollectible),
events, /v1/account; test and live mode apart, by the key; one account. No payments, no clock-driven billing, no search. Webhooks are sent to its
webhook_endpoints, signed and sent again.

Life          StripeFake(port=0, *, seed=0, **settings)   start() -> self, stop() (raises if the fake itself broke), or `with`
              .url, .key (sk_test), .live_key (sk_live), .restricted_key (rk_test, reads only), .account
Objects       create(kind, **params) -> object            as POST, without HTTP; checks and events are the same
              update(kind, id, **params)   delete(kind, id)   act("invoice", id, "finalize", **params)
              change(kind, id, **fields)                  any field, as the vendor may set it: change("subscription", id, status="past_due")
              plant(kind, raw, id=None, *, created=None, event=None) -> id      bytes or text, shown untouched in lists, by id, in its event
              seed(customers=0, products=0, prices=0, plans=0, subscriptions=0, days=90) -> {kind: [ids, oldest first]}, without events
              clear()                                     an empty account
Compare       objects(kind) -> {id: object}               what a complete sync must hold (deleted ones left out)
              deleted(kind) -> {ids}   events() -> [event, oldest first]
              all of these take live=True for the other mode; kinds: customer product price plan subscription invoice event
Webhooks      webhook_secrets(endpoint)   roll(endpoint, both=True)   redeliver(endpoint, event)   deliveries -> [Sent(endpoint, event_id, …)]
Requests      requests -> [Logged(number, method, path, params, headers, request_id, status, fault)]   forget_requests()
Keys          add_key(key, permissions=None)   revoke(key=...)   permissions: ["rak_customer_read", …] of a restricted key
Clock         clock.now() .advance(seconds) .set(time) .freeze(at=None) .run()   moves retention: events 30 days, keys 24 h
Settings      set(oldest_first=…, shuffle_events=…, duplicate_events=…, event_lag=…, latency=…, inactive_prices=…, deleted_cursors=…,
              api_version=…)                              see writing.Settings
Faults        fail(fault, *, method=None, path=None, params=None, times=1, skip=0)
              -> Rule: .hits, .wait(hits=1, timeout=30), .release(), .remove()
              heal()                                      no faults any more
    faults.RateLimited(retry_after=None, should_retry=None, reason="global-rate")   faults.lock_timeout()
    faults.ServerError(status=500, should_retry=None)     faults.BadParameter(param)
    faults.html(status=502)   faults.empty(status=200)    faults.Body(bytes or str, status=200, content_type="application/json")
    faults.Truncated(keep=0.5)                            Content-Length says more than what is sent
    faults.Reset(executed=False)   faults.Slow(seconds)   faults.Hold(executed=False): until rule.release()
    faults.Revoke()                                       with skip=3: the key dies before the fourth request
    faults.RepeatPage()   faults.ignore_cursor() (first page again)   faults.overlap(entries)   faults.short_page(entries)
    faults.endless_empty()   faults.bom()   faults.gzip()   faults.Rewrite(bytes -> bytes)
  By name too: fail("rate_limited", path="/v1/customers", retry_after=1); the names are the keys of faults.NAMES.
Process       StripeProcess(port=0, *, seed=0): the same fake as a process of its own, with the same methods over JSON (faults by name;
              clock(advance=…, set=…, freeze=…, run=None) -> now); `python tests/fakes/stripe --port 0` by hand. StripeRemote(url)
              controls one that runs already.
"""

from fakes.stripe import faults
from fakes.stripe.fake import KEY, LIVE_KEY, RESTRICTED_KEY, StripeFake
from fakes.stripe.process import StripeProcess, StripeRemote
from fakes.stripe.wire import Logged

__all__ = ["KEY", "LIVE_KEY", "RESTRICTED_KEY", "Logged", "StripeFake", "StripeProcess", "StripeRemote", "faults"]
