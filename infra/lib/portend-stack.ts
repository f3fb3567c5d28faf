// The stack: all of Portend on AWS. Its outputs keep the names of the original stack.
//
//   producer ─▶ bus ─▶ rules ─▶ queue ─▶ function ─▶ table
//                ▲                           │
//                └────── insights ───────────┘
//                └─▶ rules ─▶ topics ─▶ e-mail
//
//   browser ─▶ the API and the console, if `http` is set ─▶ table
//
// Never: sends a request to AWS. The same props produce the same template, without a network.

import { CfnOutput, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { Alarms } from "./alarms";
import { AlertFunction, FUNCTION_TIMEOUT } from "./alert-function";
import { AlertRules } from "./alert-rules";
import { alertTypesOf } from "./alert-types";
import { Dashboard } from "./dashboard";
import { eventBus } from "./event-bus";
import { HttpFunction } from "./http-function";
import { InsightsTable } from "./insights-table";
import { Notifications } from "./notifications";
import { PortendProps, settingsOf } from "./props";
import { AlertQueue } from "./queues";

/** The export names of the original stack, by output. */
const EXPORT_NAMES: Readonly<Record<string, string>> = {
  AIFunctionName: "IOpsDashboard-AIFunctionName",
  EventBusName: "IOpsDashboard-EventBusName",
};

export class PortendStack extends Stack {
  constructor(scope: Construct, id: string, props: PortendProps) {
    const settings = settingsOf(props);
    super(scope, id, {
      description: "Portend: reads alerts and stores explained insights",
      env: { region: settings.region },
    });
    const alertTypes = alertTypesOf(settings.alertTypesDir);
    const bus = eventBus(this, settings);
    const table = new InsightsTable(this, "Insights", {
      tableName: settings.tableName,
      existing: settings.existingTable,
    });
    const alerts = new AlertQueue(this, "Alerts", { functionTimeout: FUNCTION_TIMEOUT });
    const lambda = new AlertFunction(this, "AI", {
      settings,
      alertTypes,
      table,
      bus: settings.notifyInsights ? bus : undefined,
      alerts: alerts.queue,
    });
    const http =
      settings.http === "none"
        ? undefined
        : new HttpFunction(this, "Http", {
            settings,
            alertTypes,
            table,
            alerts: alerts.queue,
          });
    const rules = new AlertRules(this, "Rules", {
      bus,
      busName: settings.eventBusName,
      sources: settings.alertSources,
      alertTypes: alertTypes.ids,
      queue: alerts.queue,
    });
    const notifications = new Notifications(this, "Notifications", {
      bus,
      emails: {
        info: settings.infoEmails,
        warning: settings.warningEmails,
        critical: settings.criticalEmails,
      },
    });
    const alarms = new Alarms(this, "Alarms", {
      settings,
      function: lambda.function,
      functionTimeout: FUNCTION_TIMEOUT,
      alerts: alerts.queue,
      console: http?.function,
      deadLetters: {
        alerts: alerts.deadLetters,
        "failed invocations": lambda.failedInvocations,
        notifications: notifications.deadLetters,
        // The prefix makes these names differ from the other names, whatever the ids of the alert types.
        ...Object.fromEntries(
          Object.entries(rules.deadLetters).map(([type, queue]) => [`rule ${type}`, queue]),
        ),
      },
    });
    const dashboard = new Dashboard(this, "Dashboard", {
      function: lambda.function,
      alerts: alerts.queue,
      alarms,
    });

    const outputs: Record<string, string | undefined> = {
      AIFunctionName: lambda.function.functionName,
      EventBusName: bus.eventBusName,
      TableName: table.tableName,
      AlertQueueUrl: alerts.queue.queueUrl,
      AlertDeadLettersUrl: alerts.deadLetters.queueUrl,
      RuleDeadLettersUrls: Object.values(rules.deadLetters)
        .map((queue) => queue.queueUrl)
        .join(" "),
      FailedInvocationsUrl: lambda.failedInvocations.queueUrl,
      NotificationDeadLettersUrl: notifications.deadLetters.queueUrl,
      InfoTopicArn: notifications.topics.info.topicArn,
      WarningTopicArn: notifications.topics.warning.topicArn,
      CriticalTopicArn: notifications.topics.critical.topicArn,
      LogGroupName: lambda.logGroup.logGroupName,
      DashboardName: dashboard.dashboardName,
      OpenAiSecretArn: lambda.openAiKey?.secretArn,
      ConsoleUrl: http?.url,
      ConsoleTokenSecretArn: http?.tokenSecretArn,
    };
    for (const [name, value] of Object.entries(outputs)) {
      if (value !== undefined) {
        new CfnOutput(this, name, {
          value,
          exportName: settings.exportNames ? EXPORT_NAMES[name] : undefined,
        });
      }
    }
  }
}
