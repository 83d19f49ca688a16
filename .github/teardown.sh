#!/usr/bin/env bash
# Deletes the stack of a pull request, its secrets and its database branch.
set -euo pipefail
stack=$1
[[ $stack == todo-pr-* ]] || { echo "error: $stack is not the stack of a pull request" >&2; exit 1; }
source "$(dirname "$0")/lookup.sh"

status=$(stack_status "$stack")
if [[ -n $status ]]; then
    aws cloudformation delete-stack --stack-name "$stack" --role-arn "$EXECUTION_ROLE"
    aws cloudformation wait stack-delete-complete --stack-name "$stack"
    echo "deleted the stack $stack"
fi
delete_secrets "$stack"
echo "deleted its secrets"
if branch_exists "$stack"; then
    neonctl branches delete "$stack" --project-id "$NEON_PROJECT_ID" > /dev/null
    echo "deleted its database branch"
fi
