// The metrics of the alarms and the dashboard. The function publishes them in its log, in the embedded metric format.
//
// Never: names a metric that the function does not publish. A test compares the names with `crates/lambda/needs.json`.

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
  | "CachedTokens"
  | "OutputTokens"
  | "CostUsd"
  | "ReusedAnswers"
  | "SavedUsd"
  | "ModelEndUrgency";

/** The outcomes of an alert. Each received alert has exactly one. */
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

/** The received alerts without an outcome. They are still in progress, or their invocation was cut off. */
export function unaccounted(period: Duration): cloudwatch.MathExpression {
  const outcomes = OUTCOMES.map((name) => name.toLowerCase());
  return new cloudwatch.MathExpression({
    // An outcome that did not occur has no data. Without FILL the sum would have no data either.
    expression: `received - (${outcomes.map((id) => `FILL(${id}, 0)`).join(" + ")})`,
    usingMetrics: {
      received: total("Received", period),
      ...Object.fromEntries(OUTCOMES.map((name, at) => [outcomes[at] ?? name, total(name, period)])),
    },
    label: "Without an outcome",
    period,
  });
}

/** The percentage of stored insights that are degraded: a model failed, and the scorecard judged instead. */
export function degradedPercent(period: Duration): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: "100 * FILL(degraded, 0) / stored",
    usingMetrics: { degraded: total("Degraded", period), stored: total("Stored", period) },
    label: "Degraded, % of stored insights",
    period,
  });
}

/** One series per model and class of its attempts. */
export function attemptsByModel(period: Duration): cloudwatch.MathExpression {
  return search(`{${NAMESPACE},Model,Class} MetricName="Attempts"`, period);
}

/** The percentage of a model's replies that cannot be used. The function publishes 0 or 100 for each reply. */
export function unusablePercent(model: string, period: Duration): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: NAMESPACE,
    metricName: "UnusablePercent",
    dimensionsMap: { Model: model },
    statistic: cloudwatch.Stats.AVERAGE,
    period,
  });
}

/** One series per model: the percentage of its replies that cannot be used. */
export function unusablePercentByModel(period: Duration): cloudwatch.MathExpression {
  return search(`{${NAMESPACE},Model} MetricName="UnusablePercent"`, period, "Average");
}

/** One series per model whose settings or access are wrong. */
export function configurationAlarmsByModel(period: Duration): cloudwatch.MathExpression {
  return search(`{${NAMESPACE},Model} MetricName="ConfigurationAlarms"`, period);
}

/** Searches for series, because the models are configuration. */
function search(what: string, period: Duration, statistic = "Sum"): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: `SEARCH('${what}', '${statistic}', ${period.toSeconds()})`,
    usingMetrics: {},
    label: "",
    period,
  });
}
