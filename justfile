# Short names for what the scripts and `cargo xtask` do. `just` is optional; the README uses none of these.

# Runs the gateway, console and metrics on this machine.
up:
    cargo run --release -- up

# Every test.
test *args:
    ./test {{args}}

# Formatting, lints, arrows, licences and bans.
check:
    cargo xtask check

# Refreshes the golden files.
generate:
    cargo xtask generate

# What the integration runs.
ci:
    .ci/run
