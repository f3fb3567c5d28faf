// The CloudWatch dashboard: the alarms, the outcomes of the alerts, the model calls and their cost.
//
// Never: shows an entity, an insight or a message. The metrics contain none.

import { Duration, Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { Alarms } from "./alarms";
import {
  attemptsByModel,
  configurationAlarmsByModel,
  unusablePercentByModel,
  degradedPercent,
  metric,
  OUTCOMES,
  total,
  unaccounted,
} from "./metrics";

const PERIOD = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/** The grid of a dashboard is 24 units wide. A row has three graphs. */
const THIRD_WIDTH = 8;
const FULL_WIDTH = 24;
const GRAPH_HEIGHT = 6;

export interface DashboardProps {
  readonly function: lambda.Function;
  readonly alerts: sqs.Queue;
  readonly alarms: Alarms;
}

export class Dashboard extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, { function: fn, alerts, alarms }: DashboardProps) {
    super(scope, id);
    this.dashboardName = Stack.of(this).stackName;
    new cloudwatch.Dashboard(this, "Dashboard", {
      dashboardName: this.dashboardName,
      widgets: [
        [
          new cloudwatch.AlarmStatusWidget({
            title: "Alarms",
            alarms: alarms.all,
            width: FULL_WIDTH,
            height: 4,
          }),
        ],
        [
          graph("Alerts by outcome", {
            left: OUTCOMES.map((name) => total(name, PERIOD)),
            right: [total("Received", PERIOD)],
            stacked: true,
          }),
          graph("Alerts without an outcome", { left: [unaccounted(HOUR)] }),
          graph("Alerts in the queue", {
            left: [alerts.metricApproximateNumberOfMessagesVisible({ period: PERIOD, label: "Messages" })],
            right: [
              alerts.metricApproximateAgeOfOldestMessage({
                period: PERIOD,
                label: "Age of the oldest message, s",
              }),
            ],
          }),
        ],
        [
          graph("Attempts by model and class", {
            left: [attemptsByModel(PERIOD)],
            stacked: true,
          }),
          graph("Degraded insights", { left: [degradedPercent(HOUR)], right: [total("Degraded", HOUR)] }),
          graph("Configuration alarms by model", { left: [configurationAlarmsByModel(PERIOD)] }),
        ],
        [
          graph("Latency of an alert, ms", {
            left: ["p50", "p99"].map((label) => metric("LatencyMs", label, PERIOD).with({ label })),
          }),
          graph("Function", {
            left: [
              fn.metricInvocations({ period: PERIOD, label: "Invocations" }),
              fn.metricErrors({ period: PERIOD, label: "Errors" }),
              fn.metricThrottles({ period: PERIOD, label: "Throttles" }),
            ],
            right: [
              fn.metricDuration({
                statistic: cloudwatch.Stats.p(99),
                period: PERIOD,
                label: "Duration p99, ms",
              }),
            ],
          }),
          graph("Failed notifications", { left: [total("NotifyFailures", PERIOD)] }),
        ],
        [
          graph("Tokens per hour", {
            left: [total("InputTokens", HOUR), total("OutputTokens", HOUR)],
            right: [total("CachedTokens", HOUR)],
            stacked: true,
          }),
          graph("Model cost per day, US dollars", { left: [total("CostUsd", DAY)] }),
          graph("Unusable replies by model, %", { left: [unusablePercentByModel(HOUR)] }),
        ],
        [
          graph("Answers used again per hour", { left: [total("ReusedAnswers", HOUR)] }),
          graph("Cost saved by answers used again per day, US dollars", { left: [total("SavedUsd", DAY)] }),
          graph("Models that end: 1 in 90 days, 2 in 60, 3 in 30", {
            left: [metric("ModelEndUrgency", cloudwatch.Stats.MAXIMUM, DAY)],
          }),
        ],
      ],
    });
  }
}

function graph(title: string, props: Omit<cloudwatch.GraphWidgetProps, "title">): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, width: THIRD_WIDTH, height: GRAPH_HEIGHT, ...props });
}
