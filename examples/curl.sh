#!/bin/sh
# The API with nothing but curl. Start a server first: npx loci serve
# Run with: sh examples/curl.sh
set -eu
url=${LOCI_URL:-http://127.0.0.1:9931}
key="authorization: Bearer ${LOCI_API_KEY:-none}"
json="content-type: application/json"

# A chat.
curl --fail-with-body -sS "$url/v1/chat/completions" -H "$key" -H "$json" \
  -d '{"messages": [{"role": "user", "content": "Hello, who are you?"}], "max_tokens": 60}'
echo

# The same as a stream of events.
curl --fail-with-body -sSN "$url/v1/chat/completions" -H "$key" -H "$json" \
  -d '{"messages": [{"role": "user", "content": "Count to five."}], "max_tokens": 30, "stream": true}'

# Anthropic's form.
curl --fail-with-body -sS "$url/v1/messages" -H "$key" -H "$json" \
  -d '{"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 60}'
echo

# Text to tokens, and what is cached of it.
curl --fail-with-body -sS "$url/tokenize" -H "$key" -H "$json" -d '{"content": "Hello, who are you?"}'
echo
curl --fail-with-body -sS "$url/v1/cache/explain" -H "$key" -H "$json" \
  -d '{"messages": [{"role": "user", "content": "Hello, who are you?"}]}'
echo
