// Matches events against EventBridge patterns. It knows the part of the pattern language that the stack uses, and throws
// on any other part.

import { Json } from "./harness";

export function matches(pattern: Json, event: Json): boolean {
  return Object.entries(pattern).every(([key, expected]) => {
    const value = event?.[key];
    return Array.isArray(expected)
      ? expected.some((each) => matchesValue(each, value))
      : matches(expected, value);
  });
}

function matchesValue(expected: Json, value: Json): boolean {
  if (expected === null || typeof expected !== "object") {
    return expected === value;
  }
  const [[form, operand], ...rest] = Object.entries(expected) as [[string, Json], ...unknown[]];
  if (rest.length === 0 && form === "exists") {
    return (value !== undefined) === operand;
  }
  if (rest.length === 0 && form === "anything-but") {
    return value !== undefined && !operand.includes(value);
  }
  throw new Error(`unknown pattern ${JSON.stringify(expected)}`);
}
