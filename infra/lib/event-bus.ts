// The event bus that carries alerts and insights, and the policy that says who may put events on it.
//
// Never: changes the policy of an existing bus.

import { CfnResource } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { Settings } from "./props";

export function eventBus(scope: Construct, settings: Settings): events.IEventBus {
  const { eventBusName, existingEventBus, producerAccountIds, alertSources } = settings;
  if (existingEventBus) {
    return events.EventBus.fromEventBusName(scope, "Bus", eventBusName);
  }
  const bus = new events.EventBus(scope, "Bus", {
    eventBusName,
    description: "Alerts of the dashboard's processor, and the insights about them",
  });
  // EventBridge refuses every account that no statement names.
  allowPutEvents(bus, "ThisAccount", [new iam.AccountRootPrincipal()]);
  if (producerAccountIds.length > 0) {
    const producers = producerAccountIds.map((id) => new iam.AccountPrincipal(id));
    // Another account may put alerts, but no insights.
    allowPutEvents(bus, "ProducerAccounts", producers, everySourceIs(...alertSources));
  }
  return bus;
}

/** Adds a statement to the policy of the bus. */
function allowPutEvents(
  bus: events.EventBus,
  sid: string,
  principals: iam.IPrincipal[],
  conditions?: iam.Conditions,
): void {
  const statement = new iam.PolicyStatement({
    sid,
    principals,
    actions: ["events:PutEvents"],
    resources: [bus.eventBusArn],
    conditions,
  });
  // Not CDK's class for this resource: cdk-nag reads a deprecated property of it, and CDK prints a warning.
  new CfnResource(bus, sid, {
    type: "AWS::Events::EventBusPolicy",
    properties: {
      EventBusName: bus.eventBusName,
      StatementId: sid,
      Statement: statement.toStatementJson(),
    },
  });
}

/** The condition that each event of a request has one of these sources. `ForAllValues` alone is also true without any. */
export function everySourceIs(...sources: string[]): iam.Conditions {
  return {
    "ForAllValues:StringEquals": { "events:source": sources.length === 1 ? sources[0] : sources },
    Null: { "events:source": "false" },
  };
}
