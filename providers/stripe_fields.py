"""The fields of Stripe's objects, as its reference names them, in the version that the provider pins. https://docs.stripe.com/api

Written from the annotations of the vendor's own library; `tests/providers/test_stripe_published.py` compares them. What only shows when
it is expanded is here too. Times are whole seconds, so they are integers; decimals are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

from pgsluice.providers.base import Field

_Kind = Literal["text", "integer", "number", "boolean", "object", "array", "any"]

# Object type → type of field, then its fields; the kinds are divided by a bar.
_FIELDS: Final[Mapping[str, str]] = {
    "customer": (
        "text id object business_name currency customer_account default_source description email individual_name invoice_prefix "
        "name phone tax_exempt test_clock | integer balance created next_invoice_sequence | boolean delinquent livemode | object "
        "address cash_balance discount invoice_credit_balance invoice_settings metadata shipping sources subscriptions tax tax_ids "
        "| array preferred_locales"
    ),
    "product": (
        "text id object default_price description name statement_descriptor tax_code type unit_label url | integer created updated "
        "| boolean active livemode shippable | object metadata package_dimensions tax_details | array images marketing_features"
    ),
    "price": (
        "text id object billing_scheme currency lookup_key nickname product tax_behavior tiers_mode type unit_amount_decimal | "
        "integer created unit_amount | boolean active livemode | object currency_options custom_unit_amount metadata recurring "
        "transform_quantity | array tiers"
    ),
    "plan": (
        "text id object amount_decimal billing_scheme currency interval meter nickname product tiers_mode usage_type | integer "
        "amount created interval_count trial_period_days | boolean active livemode | object metadata transform_usage | array tiers"
    ),
    "coupon": (
        "text id object currency duration name | integer amount_off created duration_in_months max_redemptions redeem_by "
        "times_redeemed | number percent_off | boolean livemode valid | object applies_to currency_options metadata"
    ),
    "promotion_code": (
        "text id object code customer customer_account | integer created expires_at max_redemptions times_redeemed | boolean active "
        "livemode | object metadata promotion restrictions"
    ),
    "tax_rate": (
        "text id object country description display_name jurisdiction jurisdiction_level rate_type state tax_type | integer created "
        "| number effective_percentage percentage | boolean active inclusive livemode | object flat_amount metadata"
    ),
    "tax_id": (
        "text id object country customer customer_account type value | integer created | boolean livemode | object owner verification"
    ),
    "customer_balance_transaction": (
        "text id object checkout_session credit_note currency customer customer_account description invoice type | integer amount "
        "created ending_balance | boolean livemode | object metadata"
    ),
    "person": (
        "text id object account email first_name first_name_kana first_name_kanji gender last_name last_name_kana last_name_kanji "
        "maiden_name nationality phone political_exposure | integer created | boolean id_number_provided "
        "id_number_secondary_provided ssn_last_4_provided | object additional_tos_acceptances address address_kana address_kanji dob "
        "future_requirements metadata registered_address relationship requirements us_cfpb_data verification | array "
        "full_name_aliases"
    ),
    "subscription": (
        "text id object application collection_method currency customer customer_account default_payment_method default_source "
        "description latest_invoice on_behalf_of pending_setup_intent schedule status test_clock | integer billing_cycle_anchor "
        "cancel_at canceled_at created days_until_due ended_at next_pending_invoice_item_invoice start_date trial_end trial_start | "
        "number application_fee_percent | boolean cancel_at_period_end livemode | object automatic_tax billing_cycle_anchor_config "
        "billing_mode billing_thresholds cancellation_details invoice_settings items managed_payments metadata pause_collection "
        "payment_settings pending_invoice_item_interval pending_update presentment_details status_details transfer_data "
        "trial_settings | array billing_schedules default_tax_rates discounts"
    ),
    "subscription_item": (
        "text id object subscription | integer billed_until created current_period_end current_period_start quantity | object "
        "billing_thresholds current_trial metadata plan price | array discounts tax_rates"
    ),
    "subscription_schedule": (
        "text id object application customer customer_account end_behavior released_subscription status subscription test_clock | "
        "integer canceled_at completed_at created released_at | boolean livemode | object billing_mode current_phase "
        "default_settings metadata | array pause_schedules phases"
    ),
    "invoice": (
        "text id object account_country account_name application billing_reason collection_method currency customer "
        "customer_account customer_email customer_name customer_phone customer_tax_exempt default_payment_method default_source "
        "description footer hosted_invoice_url invoice_pdf latest_revision number on_behalf_of receipt_number statement_descriptor "
        "status test_clock | integer amount_due amount_overpaid amount_paid amount_paid_off_stripe amount_remaining amount_shipping "
        "attempt_count automatically_finalizes_at created due_date effective_at ending_balance next_payment_attempt period_end "
        "period_start post_payment_credit_notes_amount pre_payment_credit_notes_amount starting_balance subtotal "
        "subtotal_excluding_tax total total_excluding_tax webhooks_delivered_at | boolean attempted auto_advance livemode | object "
        "automatic_tax confirmation_secret customer_address customer_shipping from_invoice issuer last_finalization_error lines "
        "metadata parent payment_settings payments rendering shipping_cost shipping_details status_details status_transitions "
        "threshold_reason | array account_tax_ids custom_fields customer_tax_ids default_tax_rates discounts total_discount_amounts "
        "total_pretax_credit_amounts total_taxes"
    ),
    "invoiceitem": (
        "text id object currency customer customer_account description invoice quantity_decimal test_clock | integer amount date "
        "net_amount quantity | boolean discountable livemode proration | object metadata parent period pricing proration_details | "
        "array discounts frozen_fields invoicing_rules tax_rates"
    ),
    "invoice_payment": (
        "text id object currency invoice status | integer amount_paid amount_requested created | boolean is_default livemode | "
        "object payment status_transitions"
    ),
    "invoice_rendering_template": "text id object nickname status | integer created version | boolean livemode | object metadata",
    "credit_note": (
        "text id object currency customer customer_account customer_balance_transaction invoice memo number pdf reason status type "
        "| integer amount amount_shipping created discount_amount effective_at out_of_band_amount post_payment_amount "
        "pre_payment_amount subtotal subtotal_excluding_tax total total_excluding_tax voided_at | boolean livemode | object lines "
        "metadata shipping_cost | array discount_amounts pretax_credit_amounts refunds total_taxes"
    ),
    "charge": (
        "text id object application application_fee authorization_code balance_transaction calculated_statement_descriptor currency "
        "customer description failure_balance_transaction failure_code failure_message on_behalf_of payment_intent payment_method "
        "receipt_email receipt_number receipt_url review source_transfer statement_descriptor statement_descriptor_suffix status "
        "transfer transfer_group | integer amount amount_captured amount_refunded application_fee_amount created | boolean captured "
        "disputed livemode paid refunded | object billing_details fraud_details level3 metadata outcome payment_method_details "
        "presentment_details radar_options refunds shipping transfer_data | any source"
    ),
    "refund": (
        "text id object balance_transaction charge currency customer customer_account description failure_balance_transaction "
        "failure_reason instructions_email payment_intent payment_method pending_reason reason receipt_number "
        "source_transfer_reversal status transfer_reversal | integer amount created | object destination_details metadata "
        "next_action presentment_details"
    ),
    "dispute": (
        "text id object charge currency intended_submission_method network_reason_code payment_intent reason status | integer "
        "amount created | boolean is_charge_refundable livemode | object evidence evidence_details metadata payment_method_details "
        "| array balance_transactions enhanced_eligibility_types"
    ),
    "payment_intent": (
        "text id object application cancellation_reason capture_method client_secret confirmation_method currency customer "
        "customer_account description latest_charge on_behalf_of payment_method payment_record receipt_email review "
        "setup_future_usage source statement_descriptor statement_descriptor_suffix status transfer_group | integer amount "
        "amount_capturable amount_received application_fee_amount canceled_at created | boolean livemode | object amount_details "
        "automatic_payment_methods hooks last_payment_error managed_payments metadata next_action payment_details "
        "payment_method_configuration_details payment_method_options presentment_details processing shipping transfer_data | array "
        "allowed_payment_method_types excluded_payment_method_types payment_method_types"
    ),
    "setup_intent": (
        "text id object application cancellation_reason client_secret customer customer_account description latest_attempt mandate "
        "on_behalf_of payment_method single_use_mandate status usage | integer created | boolean attach_to_self livemode | object "
        "automatic_payment_methods last_setup_error managed_payments metadata next_action payment_method_configuration_details "
        "payment_method_options | array allowed_payment_method_types excluded_payment_method_types flow_directions "
        "payment_method_types"
    ),
    "payment_method": (
        "text id object allow_redisplay customer customer_account type | integer created | boolean livemode | object acss_debit "
        "affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie billing_details bizum blik "
        "boleto card card_present cashapp crypto custom customer_balance eps fpx giropay grabpay ideal interac_present kakao_pay "
        "klarna konbini kr_card link mb_way metadata mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco "
        "paynow paypal paypay payto pix promptpay radar_options revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort "
        "sunbit swish twint upi us_bank_account wechat_pay zip"
    ),
    "payment_link": (
        "text id object application billing_address_collection currency customer_creation inactive_message on_behalf_of "
        "payment_method_collection submit_type url | integer application_fee_amount | number application_fee_percent | boolean "
        "active allow_promotion_codes livemode | object after_completion automatic_tax consent_collection custom_text "
        "invoice_creation line_items managed_payments metadata name_collection payment_intent_data payment_method_options "
        "phone_number_collection restrictions shipping_address_collection subscription_data tax_id_collection transfer_data | array "
        "custom_fields optional_items payment_method_types shipping_options"
    ),
    "checkout.session": (
        "text id object billing_address_collection cancel_url client_reference_id client_secret currency customer customer_account "
        "customer_creation customer_email integration_identifier invoice locale mode origin_context payment_intent payment_link "
        "payment_method_collection payment_status recovered_from redirect_on_completion return_url setup_intent status submit_type "
        "subscription success_url ui_mode url | integer amount_subtotal amount_total created expires_at | boolean "
        "allow_promotion_codes livemode | object adaptive_pricing after_expiration automatic_tax branding_settings "
        "collected_information consent consent_collection currency_conversion custom_text customer_details invoice_creation "
        "line_items managed_payments metadata name_collection payment_method_configuration_details payment_method_options "
        "permissions phone_number_collection presentment_details saved_payment_method_options shipping_address_collection "
        "shipping_cost tax_id_collection total_details wallet_options | array allowed_payment_method_types custom_fields discounts "
        "excluded_payment_method_types optional_items payment_method_types shipping_options"
    ),
    "quote": (
        "text id object application collection_method currency customer customer_account description footer header invoice number "
        "on_behalf_of status subscription subscription_schedule test_clock | integer amount_subtotal amount_total "
        "application_fee_amount created expires_at | number application_fee_percent | boolean livemode | object automatic_tax "
        "computed from_quote invoice_settings line_items metadata status_transitions subscription_data total_details transfer_data "
        "| array default_tax_rates discounts"
    ),
    "payout": (
        "text id object application_fee balance_transaction currency description destination failure_balance_transaction "
        "failure_code failure_message method original_payout payout_method reconciliation_status reversed_by source_type "
        "statement_descriptor status type | integer amount application_fee_amount arrival_date created | boolean automatic livemode "
        "| object metadata trace_id"
    ),
    "transfer": (
        "text id object balance_transaction currency description destination destination_payment source_transaction source_type "
        "transfer_group | integer amount amount_reversed created | boolean livemode reversed | object metadata reversals"
    ),
    "topup": (
        "text id object balance_transaction currency description failure_code failure_message initiated_by payment_method "
        "statement_descriptor status transfer_group | integer amount created expected_availability_date | boolean livemode | object "
        "metadata payment_method_options source"
    ),
    "balance_transaction": (
        "text id object balance_type currency description reporting_category source status type | integer amount available_on "
        "created fee net | number exchange_rate | array fee_details"
    ),
    "application_fee": (
        "text id object account application balance_transaction charge currency originating_transaction | integer amount "
        "amount_refunded created | boolean livemode refunded | object fee_source refunds"
    ),
    "review": (
        "text id object billing_zip charge closed_reason ip_address opened_reason payment_intent reason | integer created | boolean "
        "livemode open | object ip_address_location session"
    ),
    "radar.early_fraud_warning": "text id object charge fraud_type payment_intent | integer created | boolean actionable livemode",
    "radar.value_list": "text id object alias created_by item_type name | integer created | boolean livemode | object list_items metadata",
    "radar.value_list_item": "text id object created_by value value_list | integer created | boolean livemode",
    "account": (
        "text id object business_type country default_currency email type | integer created | boolean charges_enabled "
        "details_submitted payouts_enabled | object business_profile capabilities company controller external_accounts "
        "future_requirements groups individual metadata requirements settings tos_acceptance"
    ),
    "file": "text id object filename purpose title type url | integer created expires_at size | object links",
    "file_link": "text id object file url | integer created expires_at | boolean expired livemode | object metadata",
    "shipping_rate": (
        "text id object display_name tax_behavior tax_code type | integer created | boolean active livemode | object "
        "delivery_estimate fixed_amount metadata"
    ),
    "billing.credit_grant": (
        "text id object category customer customer_account name test_clock | integer created effective_at expires_at priority "
        "updated voided_at | boolean livemode | object amount applicability_config metadata"
    ),
    "billing.credit_balance_transaction": (
        "text id object credit_grant test_clock type | integer created effective_at | boolean livemode | object credit debit"
    ),
    "billing.meter": (
        "text id object display_name event_name event_time_window status | integer created updated | boolean livemode | object "
        "customer_mapping default_aggregation status_transitions value_settings"
    ),
    "billing.alert": "text id object alert_type status title | boolean livemode | object usage_threshold",
    "billing.feedback_option": "text id object description status | boolean livemode | object status_transitions",
    "billing_portal.configuration": (
        "text id object application default_return_url name | integer created updated | boolean active is_default livemode | object "
        "business_profile features login_page metadata"
    ),
    "entitlements.feature": "text id object lookup_key name | boolean active livemode | object metadata",
    "product_catalog.trial_offer": "text id object nickname price | boolean active livemode | object duration end_behavior",
    "tax.registration": (
        "text id object country status | integer active_from created expires_at | boolean livemode | object country_options"
    ),
    "webhook_endpoint": (
        "text id object api_version application description secret status url | integer created | boolean livemode | object "
        "metadata | array enabled_events"
    ),
    "payment_method_configuration": (
        "text id object application name parent | boolean active is_default livemode | object acss_debit affirm afterpay_clearpay "
        "alipay alma amazon_pay apple_pay au_becs_debit bacs_debit bancontact billie bizum blik boleto card cartes_bancaires "
        "cashapp crypto customer_balance eps fpx giropay google_pay grabpay ideal jcb kakao_pay klarna konbini kr_card link mb_way "
        "mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay "
        "revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay zip"
    ),
    "payment_method_domain": (
        "text id object domain_name | integer created | boolean enabled livemode | object amazon_pay apple_pay google_pay klarna "
        "link paypal"
    ),
    "issuing.authorization": (
        "text id object authorization_method card_presence cardholder currency merchant_currency status token wallet | integer "
        "amount created merchant_amount | boolean approved livemode verified_by_fraud_challenge | object amount_details card "
        "fleet fuel merchant_data metadata network_data pending_request treasury verification_data | array balance_transactions "
        "fraud_challenges request_history transactions"
    ),
    "issuing.card": (
        "text id object brand cancellation_reason currency cvc financial_account last4 number personalization_design "
        "replaced_by replacement_for replacement_reason second_line status type | integer created exp_month exp_year | boolean "
        "livemode | object cardholder latest_fraud_warning lifecycle_controls metadata shipping spending_controls wallets"
    ),
    "issuing.cardholder": (
        "text id object email name phone_number status type | integer created | boolean livemode | object billing company "
        "individual metadata requirements spending_controls | array preferred_locales"
    ),
    "issuing.transaction": (
        "text id object authorization balance_transaction card cardholder currency dispute merchant_currency token type wallet "
        "| integer amount created merchant_amount | boolean livemode | object amount_details merchant_data metadata "
        "network_data purchase_details treasury"
    ),
    "issuing.dispute": (
        "text id object currency loss_reason status transaction | integer amount created | boolean livemode | object evidence "
        "metadata treasury | array balance_transactions"
    ),
    "treasury.financial_account": (
        "text id object country nickname status | integer created | boolean is_default livemode | object balance features "
        "metadata platform_restrictions status_details | array active_features financial_addresses pending_features "
        "restricted_features supported_currencies"
    ),
    "treasury.transaction": (
        "text id object currency description financial_account flow flow_type status | integer amount created | boolean "
        "livemode | object balance_impact entries flow_details status_transitions"
    ),
    "treasury.received_credit": (
        "text id object currency description failure_code financial_account hosted_regulatory_receipt_url network status "
        "transaction | integer amount created | boolean livemode | object initiating_payment_method_details linked_flows "
        "reversal_details"
    ),
    "treasury.received_debit": (
        "text id object currency description failure_code financial_account hosted_regulatory_receipt_url network status "
        "transaction | integer amount created | boolean livemode | object initiating_payment_method_details linked_flows "
        "reversal_details"
    ),
    "treasury.outbound_payment": (
        "text id object currency customer description destination_payment_method financial_account "
        "hosted_regulatory_receipt_url statement_descriptor status transaction | integer amount created expected_arrival_date | "
        "boolean cancelable livemode | object destination_payment_method_details end_user_details metadata returned_details "
        "status_transitions tracking_details"
    ),
    "treasury.outbound_transfer": (
        "text id object currency description destination_payment_method financial_account hosted_regulatory_receipt_url "
        "statement_descriptor status transaction | integer amount created expected_arrival_date | boolean cancelable livemode | "
        "object destination_payment_method_details metadata returned_details status_transitions tracking_details"
    ),
    "treasury.inbound_transfer": (
        "text id object currency description financial_account hosted_regulatory_receipt_url origin_payment_method "
        "statement_descriptor status transaction | integer amount created | boolean cancelable livemode returned | object "
        "failure_details linked_flows metadata origin_payment_method_details status_transitions"
    ),
}


def fields_of(object_type: str) -> tuple[Field, ...]:
    """The fields of an object type, its id first."""
    groups = [group.split() for group in _FIELDS[object_type].split(" | ")]
    return tuple(Field(name, cast("_Kind", kind), primary_key=name == "id") for kind, *names in groups for name in names)
