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
import { degradedPercent, total, unaccounted } from "./metrics";
import { Settings } from "./props";

const QUARTER_HOUR = Duration.minutes(15);
const FIVE_MINUTES = Duration.minutes(5);
const HOUR = Duration.hours(1);
const DAY = Duration.days(1);

/**
 * SQS leaves out of the age what was received three times or more. A handed-back alert comes every 6 minutes, so that it
 * counts for 12 to 18 minutes: a longer time than this would only ever see alerts that nobody takes.
 */
const OLDEST_MESSAGE_SECONDS_MAX = 600;
/** One alert that comes back every 6 minutes counts 2 or 3 times; it may, when two deliveries of one alert meet. */
const HANDED_BACK_PER_QUARTER_HOUR_MAX = 5;
const DEGRADED_PERCENT_MAX = 20;
/** In time-outs of the function: from here on, invocations are close to being cut off. */
const DURATION_SHARE_MAX = 0.75;
/**
 * What is in work when one hour becomes the next counts as received in the one and as ended in the other. That evens out
 * in the second hour, and alerts that are lost again and again do not.
 */
const UNACCOUNTED_PER_HOUR_MAX = 5;

export interface AlarmsProps {
  readonly settings: Settings;
  readonly function: lambda.Function;
  readonly functionTimeout: Duration;
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
          "Alerts wait: the Lambda is down, throttled, or slower than they come. Look at its log, then run `portend doctor`.",
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
        meaning:
          "Alerts go back to the queue again and again: the table refuses or is slow. Run `portend doctor`.",
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
        above: DURATION_SHARE_MAX * functionTimeout.toMilliseconds(),
        periods: 3,
        meaning: "Invocations come close to their time-out: a model or the table is slow.",
      },
      "cost per day": {
        metric: total("CostUsd", DAY),
        above: settings.costAlarmUsdPerDay,
        meaning: "The models cost more today than you said they may. The dashboard shows the attempts.",
      },
      unaccounted: {
        metric: unaccounted(HOUR),
        above: UNACCOUNTED_PER_HOUR_MAX,
        periods: 2,
        meaning:
          "More alerts are received than end in an outcome: workers are cut off. Look for time-outs in the log. Of few, the alarm `errors` tells.",
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
