"""Every name that OpenTelemetry sees, in one place: conventions change, and so would these.

gen_ai.* as in the semantic conventions 1.44.0, where they are "in development" and on their way to
https://github.com/open-telemetry/semantic-conventions-genai. What has no convention, such as money
and failover, is modelops.*.
"""

from __future__ import annotations

from collections.abc import Mapping

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SCOPE = "modelops"

OPERATION = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
FINISH_REASONS = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  # a name, not a token

METHOD = "http.request.method"
ROUTE = "http.route"
STATUS_CODE = "http.response.status_code"
ERROR_TYPE = "error.type"

REQUEST_ID = "modelops.request_id"
STATUS = "modelops.status"
OUTCOME = "modelops.outcome"
REVISION = "modelops.revision"
AGENT = "modelops.agent"
CHAIN = "modelops.chain"
ATTEMPTS = "modelops.attempts"
PROVIDER = "modelops.provider"
POSITION = "modelops.position"
NUMBER = "modelops.number"
COST = "modelops.cost_usd"
COST_SOURCE = "modelops.cost_source"
SIMULATED = "modelops.simulated"

TOKEN_USAGE_METRIC = "gen_ai.client.token.usage"  # noqa: S105  # a name, not a token
OPERATION_DURATION_METRIC = "gen_ai.client.operation.duration"
FIRST_CHUNK_METRIC = "gen_ai.client.operation.time_to_first_chunk"
REQUEST_DURATION_METRIC = "gen_ai.server.request.duration"
COST_METRIC = "modelops.cost"

TOKEN_BUCKETS = tuple(float(4**power) for power in range(14))
"""Tokens, 1 to 67,108,864: as the convention advises."""

SECONDS_BUCKETS = tuple(0.01 * 2**power for power in range(14))
"""Seconds, 0.01 to 81.92: as the convention advises."""

OPERATIONS: Mapping[str, str] = {
    "/v1/chat/completions": "chat",
    "/v1/messages": "chat",
    "/v1/responses": "chat",
    "/v1/embeddings": "embeddings",
    "/v1/messages/count_tokens": "count_tokens",
}
"""The operation of each path; for counting tokens the convention has no word."""

PROVIDERS: Mapping[str, str] = {
    "google": "gcp.gemini",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""What the convention calls providers that are declared by other names; others keep theirs."""
