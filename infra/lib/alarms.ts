// The CloudWatch alarms. The description of each alarm says what it means and what to do.
//
// Never: goes off because data is missing.

import { Duration, Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as actions from "aws-cdk-lib/aws-cloudwatch-actions";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as sns from "aws-cdk-lib/aws-sns";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { degradedPercent, metric, total, unaccounted, unusablePercent } from "./metrics";
import { Settings } from "./props";

const QUARTER_HOUR = Duration.minutes(15);
const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/**
 * SQS ignores the age of a message that was received three times or more. An alert that is handed back is delivered every
 * 6 minutes, so its age counts for 12 to 18 minutes. A greater limit would only detect alerts that were never received.
 */
const OLDEST_MESSAGE_SECONDS_MAX = 600;
/** One alert that returns every 6 minutes counts 2 or 3 times. This is normal when two deliveries of one alert overlap. */
const HANDED_BACK_PER_QUARTER_HOUR_MAX = 5;
const DEGRADED_PERCENT_MAX = 20;
/** A model that works gives a few unusable replies, which are asked for again. Each costs a call. */
const UNUSABLE_PERCENT_MAX = 50;
/** A share of the function's timeout. Above it, invocations are close to being cut off. */
const DURATION_SHARE_MAX = 0.75;
/**
 * An alert that is in progress at the end of an hour is received in that hour and gets its outcome in the next one. The
 * difference disappears in the second hour. A loss in both hours remains visible.
 */
const UNACCOUNTED_PER_HOUR_MAX = 5;
/** The urgency that the function publishes once a day, by the days before the end of a model's life from which it does. */
const MODEL_END_URGENCIES: Readonly<Record<number, number>> = { 90: 1, 60: 2, 30: 3 };

export interface AlarmsProps {
  readonly settings: Settings;
  readonly function: lambda.Function;
  readonly functionTimeout: Duration;
  readonly alerts: sqs.Queue;
  /** The function of the API and the console, if there is one. */
  readonly console: lambda.Function | undefined;
  /** The queues of undelivered or failed messages, by the name of their owner. */
  readonly deadLetters: Readonly<Record<string, sqs.Queue>>;
}

interface Watch {
  readonly metric: cloudwatch.IMetric;
  /** The alarm goes off above this value. */
  readonly above: number;
  /** How many periods in a row the metric must be above it. Default: 1. */
  readonly periods?: number;
  readonly meaning: string;
}

export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[] = [];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { settings, function: fn, functionTimeout, alerts, deadLetters } = props;
    const opsTopic =
      settings.opsTopicArn === undefined
        ? undefined
        : sns.Topic.fromTopicArn(this, "OpsTopic", settings.opsTopicArn);
    const watches: Record<string, Watch> = {
      "oldest message": {
        metric: alerts.metricApproximateAgeOfOldestMessage({ period: FIVE_MINUTES }),
        above: OLDEST_MESSAGE_SECONDS_MAX,
        meaning:
          "Alerts wait for too long. The function does not start, is throttled, or is too slow. Read its log, then run `portend doctor`.",
      },
      errors: {
        metric: fn.metricErrors({ period: FIVE_MINUTES }),
        above: 0,
        meaning: "An invocation failed or was cut off. Its alerts are delivered again. The log says why.",
      },
      parked: {
        metric: total("Parked", HOUR),
        above: 0,
        meaning: "Some events are not valid alerts. `portend parked` lists them with the reason.",
      },
      "handed back": {
        metric: total("HandedBack", QUARTER_HOUR),
        above: HANDED_BACK_PER_QUARTER_HOUR_MAX,
        meaning:
          "Alerts return to the queue again and again. The table refuses requests or is slow. Run `portend doctor`.",
      },
      degraded: {
        metric: degradedPercent(HOUR),
        above: DEGRADED_PERCENT_MAX,
        meaning:
          "A model fails, and the scorecard judges instead. The dashboard shows which model. Run `portend doctor`.",
      },
      configuration: {
        metric: total("ConfigurationAlarms", FIVE_MINUTES),
        above: 0,
        meaning:
          "A model refuses every call because of its access, key, quota or end of life. `portend doctor` says which, and how to fix it.",
      },
      "notify failures": {
        metric: total("NotifyFailures", HOUR),
        above: 0,
        meaning:
          "Insights were stored but not published. The sweep publishes them later. If the alarm stays on, run `portend doctor`.",
      },
      "p99 duration": {
        metric: fn.metricDuration({ statistic: cloudwatch.Stats.p(99), period: FIVE_MINUTES }),
        above: DURATION_SHARE_MAX * functionTimeout.toMilliseconds(),
        periods: 3,
        meaning: "Invocations take almost as long as their timeout. A model or the table is slow.",
      },
      "cost per day": {
        metric: total("CostUsd", DAY),
        above: settings.costAlarmUsdPerDay,
        meaning: "The models cost more today than `costAlarmUsdPerDay`. The dashboard shows the attempts.",
      },
      unaccounted: {
        metric: unaccounted(HOUR),
        above: UNACCOUNTED_PER_HOUR_MAX,
        periods: 2,
        meaning:
          "Alerts were received but have no outcome, because invocations are cut off. Look for timeouts in the log.",
      },
    };
    for (const model of settings.models.filter((name) => name !== "scorecard")) {
      watches[`unusable replies of ${model}`] = {
        metric: unusablePercent(model, HOUR),
        above: UNUSABLE_PERCENT_MAX,
        meaning:
          "Most replies of the model cannot be used, and each is paid for. Run `portend doctor`, then choose another model if the model is at fault.",
      };
    }
    for (const [days, urgency] of Object.entries(MODEL_END_URGENCIES)) {
      watches[`model ends in ${days} days`] = {
        metric: metric("ModelEndUrgency", cloudwatch.Stats.MAXIMUM, DAY),
        above: urgency - 1,
        meaning:
          "The life of a model ends. The log line with the reason `end_of_life` names its successor, and the command that compares the two.",
      };
    }
    if (props.console !== undefined) {
      watches["console errors"] = {
        metric: props.console.metricErrors({ period: FIVE_MINUTES }),
        above: 0,
        meaning: "A request of the API or the console failed. The log of that function says why.",
      };
      watches["console throttles"] = {
        metric: props.console.metricThrottles({ period: FIVE_MINUTES }),
        above: 0,
        meaning: "AWS refused requests of the API or the console, because too many arrived at the same time.",
      };
    }
    for (const [owner, queue] of Object.entries(deadLetters)) {
      watches[`dead letters of ${owner}`] = {
        metric: queue.metricApproximateNumberOfMessagesVisible({
          period: FIVE_MINUTES,
          statistic: cloudwatch.Stats.MAXIMUM,
        }),
        above: 0,
        meaning:
          "Messages could not be delivered or processed. SQS keeps them for 14 days. docs/DEPLOY.md says how to process them again.",
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
