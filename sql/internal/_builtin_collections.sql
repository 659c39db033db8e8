-- Generated from the providers by `make docs`; not to be edited.
create or replace view sluice_internal._builtin_collections as
select *
from (values
    ('github', 'github:commit', 'a commit on the default branch', '{}'::text[], '{}'::text[], false),
    ('github', 'github:issue', 'an issue; pull requests have a collection of their own', array['create', 'update'], '{}'::text[], false),
    (
        'github',
        'github:issue_comment',
        'a comment on an issue or a pull request',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    ('github', 'github:label', 'a label for issues', array['create', 'update', 'delete'], '{}'::text[], false),
    ('github', 'github:milestone', 'a milestone for issues', array['create', 'update', 'delete'], '{}'::text[], false),
    ('github', 'github:pull_request', 'a pull request', array['create', 'update'], '{}'::text[], false),
    ('github', 'github:release', 'a release', array['create', 'update', 'delete'], '{}'::text[], false),
    ('github', 'github:repository', 'a repository', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:account', 'connected accounts', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:application_fee', 'fees taken from connected accounts', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:balance_transaction', 'every movement of the balance', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:billing_alert', 'alerts on usage', array['create', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:billing_credit_balance_transaction', 'use of prepaid credit', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:billing_credit_grant', 'prepaid credit of customers', array['create', 'update', 'delete'], '{}'::text[], false),
    (
        'stripe',
        'stripe:billing_feedback_option',
        'reasons that customers can give for leaving',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    ('stripe', 'stripe:billing_meter', 'what usage is counted', array['create', 'update', 'delete'], '{}'::text[], false),
    (
        'stripe',
        'stripe:billing_portal_configuration',
        'what customers can do by themselves',
        array['create', 'update'],
        '{}'::text[],
        false
    ),
    ('stripe', 'stripe:charge', 'attempts to move money', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:checkout_session', 'visits to the checkout', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:coupon', 'discounts that can be given', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:credit_note', 'amounts taken off invoices', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:customer', 'who buys', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:dispute', 'charges that customers contest', array['update'], '{}'::text[], false),
    ('stripe', 'stripe:entitlements_feature', 'what products entitle to', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:file', 'files held by Stripe', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:file_link', 'addresses that show a file', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:invoice', 'what was billed', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:invoice_payment', 'which payments settled which invoices', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:invoice_rendering_template', 'how invoices look', array['delete'], '{}'::text[], false),
    ('stripe', 'stripe:invoiceitem', 'amounts that the next invoice takes up', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:payment_intent', 'payments from beginning to end', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:payment_link', 'links that take payments', array['create', 'update'], '{}'::text[], false),
    (
        'stripe',
        'stripe:payment_method',
        'cards, accounts and other means of payment',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    (
        'stripe',
        'stripe:payment_method_configuration',
        'which means of payment are offered',
        array['create', 'update'],
        '{}'::text[],
        false
    ),
    ('stripe', 'stripe:payment_method_domain', 'domains that take wallets', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:payout', 'money sent to the bank', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:plan', 'recurring prices in their older form', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:price', 'what a product costs', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:product', 'what is sold', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:product_catalog_trial_offer', 'trials that can be sold', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:promotion_code', 'codes that customers type for a coupon', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:quote', 'offers to customers', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:radar_early_fraud_warning', 'charges that may be fraud', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:radar_value_list', 'lists that rules of fraud use', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:radar_value_list_item', 'the entries of those lists', array['create', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:refund', 'money given back', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:review', 'payments that a person should look at', '{}'::text[], '{}'::text[], false),
    ('stripe', 'stripe:setup_intent', 'means of payment being set up', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:shipping_rate', 'what shipping costs', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:subscription', 'who pays for what, how often', array['create', 'update', 'delete'], '{}'::text[], false),
    (
        'stripe',
        'stripe:subscription_item',
        'the prices and quantities of subscriptions',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    (
        'stripe',
        'stripe:subscription_schedule',
        'planned changes of subscriptions',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    ('stripe', 'stripe:tax_id', 'tax numbers of customers and of the account', array['create', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:tax_rate', 'rates that invoices add', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:tax_registration', 'where tax is collected', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:topup', 'money added to the balance', array['create', 'update', 'delete'], '{}'::text[], false),
    ('stripe', 'stripe:transfer', 'money moved to connected accounts', array['create', 'update'], '{}'::text[], false),
    ('stripe', 'stripe:webhook_endpoint', 'where events are sent', array['create', 'update', 'delete'], '{}'::text[], false),
    ('zendesk', 'zendesk:group', 'a group of agents', array['create', 'update', 'delete'], '{}'::text[], false),
    ('zendesk', 'zendesk:group_membership', 'which agent is in which group', array['create', 'delete'], '{}'::text[], false),
    ('zendesk', 'zendesk:macro', 'a macro', array['create', 'update', 'delete'], '{}'::text[], false),
    ('zendesk', 'zendesk:organization', 'an organization', array['create', 'update', 'upsert', 'delete'], array['external_id'], false),
    ('zendesk', 'zendesk:organization_membership', 'which user is in which organization', array['create', 'delete'], '{}'::text[], false),
    (
        'zendesk',
        'zendesk:ticket',
        'a ticket; deleted ones come with the status deleted',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    ('zendesk', 'zendesk:ticket_comment', 'a comment of a ticket', '{}'::text[], '{}'::text[], false),
    (
        'zendesk',
        'zendesk:ticket_field',
        'a field of tickets, built in or custom',
        array['create', 'update', 'delete'],
        '{}'::text[],
        false
    ),
    (
        'zendesk',
        'zendesk:user',
        'an end user, an agent or an administrator; deleted ones come as not active',
        array['create', 'update', 'upsert', 'delete'],
        array['email', 'external_id'],
        false
    )
) as v (provider, collection_id, description, mutations, match_on, if_match);

comment on view sluice_internal._builtin_collections is
'The collections of the providers that come with this release.';
