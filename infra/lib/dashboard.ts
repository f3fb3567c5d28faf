// The dashboard: what came in, what became of it, what it cost, and what stands in the way.
//
// Takes: the Lambda, the queue and the alarms.
// Gives: one CloudWatch dashboard, named after the stack.
// Never: shows an entity, an insight or a message; there are none in the metrics.

import { Duration, Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { Alarms } from "./alarms";
import {
  attemptsByModel,
  configurationAlarmsByModel,
  degradedPercent,
  metric,
  OUTCOMES,
  total,
  unaccounted,
} from "./metrics";

const PERIOD = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/** CloudWatch's grid is 24 units wide; three graphs stand side by side. */
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
          graph("What became of the alerts", {
            left: OUTCOMES.map((name) => total(name, PERIOD)),
            right: [total("Received", PERIOD)],
            stacked: true,
          }),
          graph("Received without an outcome", { left: [unaccounted(HOUR)] }),
          graph("Waiting in the queue", {
            left: [alerts.metricApproximateNumberOfMessagesVisible({ period: PERIOD, label: "Messages" })],
            right: [
              alerts.metricApproximateAgeOfOldestMessage({ period: PERIOD, label: "Age of the oldest, s" }),
            ],
          }),
        ],
        [
          graph("Attempts, by model and what they came to", {
            left: [attemptsByModel(PERIOD)],
            stacked: true,
          }),
          graph("Degraded", { left: [degradedPercent(HOUR)], right: [total("Degraded", HOUR)] }),
          graph("Configuration alarms, by model", { left: [configurationAlarmsByModel(PERIOD)] }),
        ],
        [
          graph("Latency of an alert, ms", {
            left: ["p50", "p99"].map((label) => metric("LatencyMs", label, PERIOD).with({ label })),
          }),
          graph("The Lambda", {
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
          graph("Not told, to be told by the sweep", { left: [total("NotifyFailures", PERIOD)] }),
        ],
        [
          graph("Tokens per hour", {
            left: [total("InputTokens", HOUR), total("OutputTokens", HOUR)],
            stacked: true,
          }),
          graph("Cost of the models per day, US dollars", { left: [total("CostUsd", DAY)] }),
        ],
      ],
    });
  }
}

function graph(title: string, props: Omit<cloudwatch.GraphWidgetProps, "title">): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, width: THIRD_WIDTH, height: GRAPH_HEIGHT, ...props });
}
