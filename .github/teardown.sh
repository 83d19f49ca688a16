#!/usr/bin/env bash
# Deletes the stack of a pull request, the secrets that outlive it, and its branch of the database.
set -euo pipefail
stack=$1
[[ $stack == todo-pr-* ]] || { echo "error: $stack is not the stack of a pull request" >&2; exit 1; }
source "$(dirname "$0")/lookup.sh"

status=$(stack_status "$stack")
if [[ -n $status ]]; then
    aws cloudformation delete-stack --stack-name "$stack" --role-arn "$EXECUTION_ROLE"
    aws cloudformation wait stack-delete-complete --stack-name "$stack"
    echo "the stack $stack is gone"
fi
delete_secrets "$stack"
echo "its secrets are gone"
if branch_exists "$stack"; then
    neonctl branches delete "$stack" --project-id "$NEON_PROJECT_ID" > /dev/null
    echo "its branch of the database is gone"
fi
