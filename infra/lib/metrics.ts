// The metrics that the alarms and the dashboard read: those of the Lambda's own, and sums of them.
//
// Takes: a metric's name, as the Lambda publishes it in its log (embedded metric format).
// Gives: CloudWatch metrics and expressions over a period.
// Never: names a metric that the Lambda does not publish; a test compares them with the Lambda's own list.

import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";

export const NAMESPACE = "Portend";

/** Metrics without dimensions. */
export type MetricName =
  | "Received"
  | "Stored"
  | "Repeated"
  | "Parked"
  | "HandedBack"
  | "Degraded"
  | "ConfigurationAlarms"
  | "NotifyFailures"
  | "LatencyMs"
  | "InputTokens"
  | "OutputTokens"
  | "CostUsd";

/** How a received alert can end. Every one must end in exactly one of these. */
export const OUTCOMES = [
  "Stored",
  "Repeated",
  "Parked",
  "HandedBack",
] as const satisfies readonly MetricName[];

export function total(name: MetricName, period: Duration): cloudwatch.Metric {
  return metric(name, cloudwatch.Stats.SUM, period);
}

export function metric(metricName: MetricName, statistic: string, period: Duration): cloudwatch.Metric {
  return new cloudwatch.Metric({ namespace: NAMESPACE, metricName, statistic, period });
}

/** Alerts received that ended in no outcome: in work at the period's edge, or lost by a worker that was cut off. */
export function unaccounted(period: Duration): cloudwatch.MathExpression {
  const outcomes = OUTCOMES.map((name) => name.toLowerCase());
  return new cloudwatch.MathExpression({
    // An outcome that did not occur has no data, and a sum with it would have none either.
    expression: `received - (${outcomes.map((id) => `FILL(${id}, 0)`).join(" + ")})`,
    usingMetrics: {
      received: total("Received", period),
      ...Object.fromEntries(OUTCOMES.map((name, at) => [outcomes[at] ?? name, total(name, period)])),
    },
    label: "Received without an outcome",
    period,
  });
}

/** How many of a hundred stored insights are degraded: judged by the scorecard since a model failed. */
export function degradedPercent(period: Duration): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: "100 * FILL(degraded, 0) / stored",
    usingMetrics: { degraded: total("Degraded", period), stored: total("Stored", period) },
    label: "Degraded, % of stored",
    period,
  });
}

/** One series per model and class of what its attempts came to. */
export function attemptsByModel(period: Duration): cloudwatch.MathExpression {
  return search(`{${NAMESPACE},Model,Class} MetricName="Attempts"`, period);
}

/** One series per model whose settings or access are wrong. */
export function configurationAlarmsByModel(period: Duration): cloudwatch.MathExpression {
  return search(`{${NAMESPACE},Model} MetricName="ConfigurationAlarms"`, period);
}

/** Models are configuration, so their series are found, not listed. */
function search(what: string, period: Duration): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: `SEARCH('${what}', 'Sum', ${period.toSeconds()})`,
    usingMetrics: {},
    label: "",
    period,
  });
}
