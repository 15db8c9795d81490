"""What the codes, words and statuses of providers mean.

They are gathered from the providers' documentation and from recorded traffic.
"""

from __future__ import annotations

import re

from modelops.gateway.failure import Kind

_CODES: dict[Kind, str] = {
    "quota": """
        insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded
        project_spend_limit_exceeded organization_usage_limit_exceeded billing_error
        billing_hard_limit_reached billing_not_active enforced_spend_limit_reached arrearage
        insufficient_user_quota insufficient_balance payment_required failed_precondition
        1113 1308 1309 1310
    """,
    "credential": """
        invalid_api_key authentication_error permission_error api_key_invalid permission_denied
        unauthenticated accessdenied invalidapikey invalid_authentication account_deactivated
        unsupported_country_region_territory 1000 1001 1002 1003 1004
    """,
    "rate_limit": """
        rate_limit_exceeded rate_limit_error slow_down resource_exhausted throttling
        throttling.ratequota throttling.allocationquota too_many_requests capacity_exceeded
        1302 1303 1304 1305
    """,
    "transient": """
        server_is_overloaded overloaded_error api_error timeout_error internal_error server_error
        internal_server_error unavailable internal deadline_exceeded engine_overloaded
        service_unavailable
    """,
    "model_fault": "tool_use_failed json_validate_failed",
    "model_gone": """
        model_not_found not_found_error not_found deploymentnotfound model_not_exist
        modelnotfound model_decommissioned model_not_available invalid_model 1211
    """,
    "context_length": """
        context_length_exceeded exceed_context_size_error context_window_exceeded 1261
    """,
    "parameter": "unsupported_parameter unsupported_value thread_fingerprint_mismatch",
    "foreign_state": "invalid_encrypted_content",
    "caller": """
        content_filter content_policy_violation datainspectionfailed data_inspection_failed
        request_too_large thread_not_found thread_already_continued thread_continue_in_flight
        thread_unsupported_request
    """,
}
KIND_OF_CODE: dict[str, Kind] = {
    code: kind for kind, codes in _CODES.items() for code in codes.split()
}
"""What a code in a body means, in lower case; it decides before anything else."""

WORDING: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (
        re.compile(
            r"(?i)prompt is too long|maximum context length|context (window|length|size)"
            r"|input token count.{0,40}exceed|input length should be|too many input tokens"
        ),
        "context_length",
    ),
    (
        re.compile(
            r"(?i)(does not|doesn't|do not|not|no endpoints found that) (currently )?support"
            r"[^.]{0,40}\b(image|vision|audio|video|document|file|pdf|tool|function)"
            r"|no allowed providers are available"  # for OpenRouter's own field `provider`
        ),
        "unsupported",
    ),
    (
        re.compile(
            r"(?i)supports at most \d|range of max_tokens|maximum allowed number of output tokens"
            r"|response_format.{0,20} unavailable|unsupported (parameter|value):"
            r"|no endpoints found that can handle the requested parameters"
            r"|(?<!\bmodel) (is|are) (not supported|deprecated) (on|for|with) this model"
            r"|does not support (the effort parameter|effort level|assistant message prefill)"
        ),
        "parameter",
    ),
    (
        re.compile(  # DeepSeek's, Kimi's and Groq's, of a turn that another provider may have made
            r"(?i)(reasoning_content|content\[\]\.thinking)"
            r".{0,60}(must be passed back|is missing in assistant)"
            r"|messages\.\d+\b.*\breasoning(_content|_details)?' is unsupported"
        ),
        "foreign_state",
    ),
    (re.compile(r"(?i)\bproperty '[^']+' is unsupported"), "parameter"),
    (re.compile(r"(?i)api key not valid|invalid api key"), "credential"),
    (re.compile(r"(?i)credit balance is too low|insufficient (balance|credit)"), "quota"),
    (
        re.compile(
            r"(?i)requires moderation|\b(input|prompt|content|message)s? (was|were) flagged"
            r"|prompt injection"
        ),
        "caller",
    ),
    (re.compile(r"(?i)no available channel|无可用渠道"), "model_gone"),
)
ANOTHER_THING = re.compile(
    r"(?i)^(the |no such |previous )*"
    r"(item|file|conversation|response|container|prompt|vector store|thread|skill)s?( object)?\b"
    r"(?!.*\bmodel)(?=.*(not (found|exist)|: ))"
    r".*(with id\b|\b(item|rs|msg|file|conv|resp|cntr|container|pmpt|vs|thread|skill)[-_]\w)"
)
"""What the message of a 404 says that is about a thing a request names beside its model: what it
is, and its id. `File Not Found` is what a server says of a path that it does not know."""

SIZE_AND_LIMIT = re.compile(r"\bLimit (\d+), (?:Used \d+, )?Requested (\d+)")
"""What a minute allows and what a request needs, in OpenAI's and Groq's words."""

KIND_OF_STATUS: dict[int, Kind] = {
    401: "credential",
    402: "quota",
    403: "credential",
    404: "model_gone",
    408: "transient",
    409: "transient",
    424: "transient",
    425: "transient",
    429: "rate_limit",
    434: "credential",
    435: "credential",
    498: "rate_limit",
    499: "transient",
}
"""What a status means where the body says nothing; any other 4xx is the caller's fault, any other
5xx transient."""
