// The DynamoDB table of insights, claims and parked events. The stack creates it or uses an existing one.
//
// Never: deletes a table, or changes one that the stack did not create.

import { RemovalPolicy, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

const { STRING, NUMBER } = dynamodb.AttributeType;
const { ALL, KEYS_ONLY } = dynamodb.ProjectionType;

/**
 * The indexes. Existing readers query the first two and need all attributes. The function queries the next two for keys and
 * then reads the insights from the table.
 *
 * CloudFormation creates several indexes at once only together with the table, and never changes an index. So a later
 * change of this list must add or remove one index per deployment.
 */
const INDEXES: readonly {
  readonly name: string;
  readonly partition: string | dynamodb.Attribute;
  readonly sort?: dynamodb.Attribute;
  readonly projection: dynamodb.ProjectionType;
}[] = [
  {
    name: "PredictionTypeIndex",
    partition: "prediction_type",
    sort: { name: "timestamp", type: STRING },
    projection: ALL,
  },
  {
    name: "RiskScoreIndex",
    partition: "prediction_type",
    sort: { name: "risk_score", type: NUMBER },
    projection: ALL,
  },
  { name: "AlertIdIndex", partition: "alert_id", projection: KEYS_ONLY },
  {
    name: "TodoIndex",
    partition: "todo_day",
    sort: { name: "timestamp", type: STRING },
    projection: KEYS_ONLY,
  },
  // The list of open entities reads all that it shows from this index. Only entities that are open are in it.
  {
    name: "WorklistIndex",
    partition: { name: "open_shard", type: NUMBER },
    sort: { name: "worst", type: NUMBER },
    projection: ALL,
  },
];

/** The attribute that says when an item expires, in epoch seconds. */
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
    // DynamoDB refuses to delete the table until a person switches the protection off.
    deletionProtection: true,
    // The table outlives the stack, even if the first deployment fails.
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const { name, partition, sort, projection } of INDEXES) {
    table.addGlobalSecondaryIndex({
      indexName: name,
      partitionKey: typeof partition === "string" ? { name: partition, type: STRING } : partition,
      sortKey: sort,
      projectionType: projection,
    });
  }
  return table;
}
