// Whether an event matches an EventBridge pattern: as much of the pattern language as the stack uses.
//
// Takes: a pattern as it stands in the template, and an event.
// Gives: true or false, as EventBridge would decide.
// Never: guesses at a form it does not know; it throws.

import { Json } from "./harness";

export function matches(pattern: Json, event: Json): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    const value = event?.[key];
    return Array.isArray(wanted) ? wanted.some((each) => matchesValue(each, value)) : matches(wanted, value);
  });
}

function matchesValue(wanted: Json, value: Json): boolean {
  if (wanted === null || typeof wanted !== "object") {
    return wanted === value;
  }
  const [[form, operand], ...rest] = Object.entries(wanted) as [[string, Json], ...unknown[]];
  if (rest.length === 0 && form === "exists") {
    return (value !== undefined) === operand;
  }
  if (rest.length === 0 && form === "anything-but") {
    return value !== undefined && !operand.includes(value);
  }
  throw new Error(`the pattern ${JSON.stringify(wanted)} is of no form that this reader knows`);
}
