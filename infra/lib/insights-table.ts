// The table of insights, claims, feedback and parked events.
//
// Takes: its name, and whether it is there already.
// Gives: the table's name, and the ARNs of the table and of its indexes for permissions.
// Never: deletes a table, or changes one that it did not make.

import { RemovalPolicy, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

const { STRING, NUMBER } = dynamodb.AttributeType;

/**
 * The indexes, all with every attribute. The first two are those that existing readers query. CloudFormation makes
 * several at once only together with the table; a later change of this list must add or remove one per deployment.
 */
const INDEXES: readonly {
  readonly name: string;
  readonly partition: string;
  readonly sort?: dynamodb.Attribute;
}[] = [
  { name: "PredictionTypeIndex", partition: "prediction_type", sort: { name: "timestamp", type: STRING } },
  { name: "RiskScoreIndex", partition: "prediction_type", sort: { name: "risk_score", type: NUMBER } },
  { name: "AlertIdIndex", partition: "alert_id" },
  { name: "TodoIndex", partition: "todo_day", sort: { name: "timestamp", type: STRING } },
];

/** When DynamoDB may delete an item, in epoch seconds. */
const TTL_ATTRIBUTE = "ttl";

export interface InsightsTableProps {
  readonly tableName: string;
  readonly existing: boolean;
}

export class InsightsTable extends Construct {
  readonly tableName: string;
  readonly tableArn: string;
  readonly indexArns: readonly string[];

  constructor(scope: Construct, id: string, { tableName, existing }: InsightsTableProps) {
    super(scope, id);
    if (existing) {
      this.tableName = tableName;
      this.tableArn = Stack.of(this).formatArn({
        service: "dynamodb",
        resource: "table",
        resourceName: tableName,
      });
    } else {
      const table = newTable(this, tableName);
      this.tableName = table.tableName;
      this.tableArn = table.tableArn;
    }
    this.indexArns = INDEXES.map(({ name }) => `${this.tableArn}/index/${name}`);
  }
}

function newTable(scope: Construct, tableName: string): dynamodb.Table {
  const table = new dynamodb.Table(scope, "Table", {
    tableName,
    partitionKey: { name: "pk", type: STRING },
    sortKey: { name: "sk", type: STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: TTL_ATTRIBUTE,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    // Kept whatever becomes of the stack, even if its first deployment fails.
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const { name, partition, sort } of INDEXES) {
    table.addGlobalSecondaryIndex({
      indexName: name,
      partitionKey: { name: partition, type: STRING },
      sortKey: sort,
      projectionType: dynamodb.ProjectionType.ALL,
    });
  }
  return table;
}
