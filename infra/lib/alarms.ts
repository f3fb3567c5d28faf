// The alarms: what a person should look at, each with a sentence that says what it means and what to do.
//
// Takes: the Lambda, the queues, and the topic to tell, if there is one.
// Gives: the alarms, named after the stack.
// Never: goes off because nothing happened: without data an alarm is calm.

import { Duration, Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as actions from "aws-cdk-lib/aws-cloudwatch-actions";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as sns from "aws-cdk-lib/aws-sns";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { BATCH_ALERTS, FUNCTION_TIMEOUT } from "./alert-function";
import { degradedPercent, total, unaccounted } from "./metrics";
import { Settings } from "./props";

const QUARTER_HOUR = Duration.minutes(15);
const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/** Five deliveries of a handed-back alert are half an hour; a queue that is older is not being worked off. */
const OLDEST_MESSAGE_SECONDS_MAX = 1800;
/** Some are handed back in calm, when two deliveries of one alert meet. */
const HANDED_BACK_PER_QUARTER_HOUR_MAX = 20;
const DEGRADED_PERCENT_MAX = 20;
/** Three quarters of the time-out: from here on, invocations are close to being cut off. */
const DURATION_MS_MAX = 0.75 * FUNCTION_TIMEOUT.toMilliseconds();

export interface AlarmsProps {
  readonly settings: Settings;
  readonly function: lambda.Function;
  readonly alerts: sqs.Queue;
  /** Every queue in which something is left, by what it belongs to. */
  readonly deadLetters: Readonly<Record<string, sqs.Queue>>;
}

interface Watch {
  readonly metric: cloudwatch.IMetric;
  /** The alarm goes off above this. */
  readonly above: number;
  /** How many periods in a row it must be above; 1 if it is not said. */
  readonly periods?: number;
  readonly meaning: string;
}

export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[] = [];

  constructor(scope: Construct, id: string, { settings, function: fn, alerts, deadLetters }: AlarmsProps) {
    super(scope, id);
    const opsTopic =
      settings.opsTopicArn === undefined
        ? undefined
        : sns.Topic.fromTopicArn(this, "OpsTopic", settings.opsTopicArn);
    // As many as may be in work when one day becomes the next; then they count as received on the one and as ended on
    // the other.
    const inWorkMax = settings.maxConcurrency * BATCH_ALERTS;
    const watches: Record<string, Watch> = {
      "oldest message": {
        metric: alerts.metricApproximateAgeOfOldestMessage({ period: FIVE_MINUTES }),
        above: OLDEST_MESSAGE_SECONDS_MAX,
        meaning:
          "Alerts wait: the Lambda is down, throttled, or hands them back. Look at its log, then run `portend doctor`.",
      },
      errors: {
        metric: fn.metricErrors({ period: FIVE_MINUTES }),
        above: 0,
        meaning: "An invocation failed or was cut off. Its alerts come again; the log says why.",
      },
      parked: {
        metric: total("Parked", HOUR),
        above: 0,
        meaning: "Events came that cannot be alerts. `portend parked` lists them with the reason.",
      },
      "handed back": {
        metric: total("HandedBack", QUARTER_HOUR),
        above: HANDED_BACK_PER_QUARTER_HOUR_MAX,
        meaning: "Many alerts went back to the queue: the table refuses or is slow. Run `portend doctor`.",
      },
      degraded: {
        metric: degradedPercent(HOUR),
        above: DEGRADED_PERCENT_MAX,
        meaning:
          "The scorecard judges in place of a model that fails. The dashboard shows which; run `portend doctor`.",
      },
      configuration: {
        metric: total("ConfigurationAlarms", FIVE_MINUTES),
        above: 0,
        meaning:
          "A model refuses for good: access, key, quota spent, or end of life. `portend doctor` says which, and the mend.",
      },
      "notify failures": {
        metric: total("NotifyFailures", HOUR),
        above: 0,
        meaning:
          "Insights were stored but not told. The sweep tells them; if it goes on, run `portend doctor`.",
      },
      "p99 duration": {
        metric: fn.metricDuration({ statistic: cloudwatch.Stats.p(99), period: FIVE_MINUTES }),
        above: DURATION_MS_MAX,
        periods: 3,
        meaning: "Invocations come close to their time-out: a model or the table is slow.",
      },
      "cost per day": {
        metric: total("CostUsd", DAY),
        above: settings.costAlarmUsdPerDay,
        meaning:
          "The models cost more today than you said they may. The dashboard shows the alerts behind it.",
      },
      unaccounted: {
        metric: unaccounted(DAY),
        above: inWorkMax,
        meaning:
          "More alerts were received than ended in an outcome: workers are cut off. Look for time-outs in the log.",
      },
    };
    for (const [owner, queue] of Object.entries(deadLetters)) {
      watches[`dead letters of ${owner}`] = {
        metric: queue.metricApproximateNumberOfMessagesVisible({
          period: FIVE_MINUTES,
          statistic: cloudwatch.Stats.MAXIMUM,
        }),
        above: 0,
        meaning:
          "Something could not be delivered or handled, and is kept for 14 days. docs/DEPLOY.md says how to run it again.",
      };
    }
    for (const [name, watch] of Object.entries(watches)) {
      this.all.push(this.alarm(name, watch, opsTopic));
    }
  }

  private alarm(
    name: string,
    { metric, above, periods = 1, meaning }: Watch,
    opsTopic: sns.ITopic | undefined,
  ): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, name, {
      alarmName: `${Stack.of(this).stackName} ${name}`,
      alarmDescription: meaning,
      metric,
      threshold: above,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (opsTopic !== undefined) {
      alarm.addAlarmAction(new actions.SnsAction(opsTopic));
      alarm.addOkAction(new actions.SnsAction(opsTopic));
    }
    return alarm;
  }
}
