using System.Reflection;
using System.Text.RegularExpressions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

/// <summary>
/// How each statement of the store goes through large tables: along an index of what it asks for, and not through what has ended, nor
/// through all that waits. Which index that is for the hottest of them, <see cref="SqliteQueuePlanTests"/> says.
/// </summary>
public sealed partial class SqliteHotPlanTests : SqliteFileTest
{
    /// <summary>These hold what has ended too, or everything. Lists go along them, which have tests of their own.</summary>
    private static readonly string[] OfEverything =
    [
        "idx_fluent_name", "idx_fluent_version", "idx_fluent_queue", "workflow_status_created_at_index", "idx_workflow_status_started_at",
        "idx_workflow_status_completed_at", "idx_workflow_status_schedule_name", "idx_workflow_status_failed",
    ];

    /// <summary>What may sort, and what it sorts at the most.</summary>
    private static readonly Dictionary<string, string> Sorting = new()
    {
        ["ClaimSql.ReadClaimed"] = "what one claim took",
        ["ClaimSql.ReadLatestVersion"] = "versions",
        ["ForkSql.CopyEvents"] = "the events of one workflow",
        ["ForkSql.CopyStreams"] = "the streams of one workflow",
        ["LineSql.ReadParted"] = "those of one millisecond",
        ["MessagingSql.ReadForks"] = "the forks of one workflow",
        ["MessagingSql.ReadMessages"] = "the messages of one workflow",
        ["MessagingSql.ReadOldest"] = "the messages of one millisecond",
        ["ParkSql.FindDue"] = "the waits of one workflow",
        ["ParkSql.FindWoken"] = "the limit",
        ["QueueSql.FindDelayed"] = "two times the limit",
        ["RewindSql.RestoreEvents"] = "the events of one workflow",
        ["StrandedSql.Read"] = "the limit",
        ["VersionSql.ReadAll"] = "versions",
        ["VersionSql.ReadCode"] = "versions",
        ["VersionSql.ReadPlace"] = "what runs of one queue",
    };

    /// <summary>Looked for where no wait has an end, so that the first without one is the first of all.</summary>
    private static readonly string[] Reading = ["ParkSql.FindOpen"];

    [Fact]
    public async Task Each_statement_goes_along_an_index_of_what_it_asks_for()
    {
        await FillAsync();
        var statements = Statements();
        Assert.True(statements.Count > 100);

        var breaches = await BreachesAsync("filled", statements);
        await Database.ExecuteAsync("ANALYZE");
        Breaches.None([.. breaches, .. await BreachesAsync("analysed", statements)]);
    }

    private static List<(string Name, string Sql)> Statements() =>
    [
        .. from type in typeof(LineSql).Assembly.GetTypes()
           where type.Namespace == typeof(LineSql).Namespace && type.Name.EndsWith("Sql", StringComparison.Ordinal)
           from field in type.GetFields(BindingFlags.Public | BindingFlags.Static)
           where field.IsLiteral && field.FieldType == typeof(string)
           let text = (string)field.GetRawConstantValue()!
           where Explained().IsMatch(text) && type != typeof(SchemaSql) && type != typeof(TransactionSql)
           select ($"{type.Name}.{field.Name}", text),
        .. from state in (WorkflowState[])[WorkflowState.Enqueued, WorkflowState.Delayed, WorkflowState.Pending]
           select ("StrandedSql.Read", StrandedSql.Read(state)),
    ];

    private async Task<List<string>> BreachesAsync(string when, List<(string Name, string Sql)> statements)
    {
        var breaches = new List<string>();
        foreach (var (name, sql) in statements)
        {
            var steps = (await Database.QueryAsync("EXPLAIN QUERY PLAN " + Parameter().Replace(sql, "?1"))).Select(row => row[3]!);
            breaches.AddRange(
                from step in steps
                where (Large().IsMatch(step) && !OfRunning().IsMatch(step) && !Reading.Contains(name))
                    || OfEverything.Any(index => step.Contains(index + " ", StringComparison.Ordinal))
                    || (step.Contains("TEMP B-TREE", StringComparison.Ordinal) && !Sorting.ContainsKey(name))
                select $"{when}: {name}: {step}");
        }

        return breaches;
    }

    // Most has ended, more than half of the rest waits, all under one name, in one queue and of one version.
    private Task<int> FillAsync() => Database.ExecuteAsync(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO workflow_status (
            workflow_uuid, status, name, queue_name, application_name, application_version, queue_partition_key, created_at, updated_at,
            serialization, owner_xid, executor_id, deduplication_id, schedule_name, rate_limited, started_at_epoch_ms, completed_at,
            delay_until_epoch_ms, workflow_deadline_epoch_ms, recovery_attempts)
        SELECT printf('w%05d', i), s, 'checkout', 'long', CASE WHEN i % 10 > 0 THEN 'shop' END, 'v1', printf('p%05d', i % 100), i / 50, 1,
               'dotnet_msgpack', CASE s WHEN 'PENDING' THEN 't' || i END, CASE WHEN s IN ('SUCCESS', 'PENDING') THEN 'executor-1' END,
               CASE WHEN s = 'ENQUEUED' AND i % 2 THEN 'k' || i END, CASE s WHEN 'SUCCESS' THEN 'nightly' END, s = 'SUCCESS',
               CASE WHEN s IN ('SUCCESS', 'PENDING') THEN i END, CASE s WHEN 'SUCCESS' THEN i END,
               CASE s WHEN 'DELAYED' THEN 9000000000000 + i END, CASE s WHEN 'DELAYED' THEN 9000000000000 + i END, i > 19000
          FROM (
            SELECT i, CASE WHEN i <= 11000 THEN 'SUCCESS' WHEN i <= 11200 THEN 'PENDING' WHEN i <= 18000 THEN 'ENQUEUED' ELSE 'DELAYED'
                      END AS s
              FROM n) AS r;
        INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
        SELECT workflow_uuid, 0, 0, CASE WHEN rowid % 10 THEN 'time' ELSE 'message' END, workflow_uuid, workflow_uuid, '', 9000000000000,
               't'
          FROM workflow_status WHERE status = 'DELAYED' AND recovery_attempts = 1;
        INSERT INTO queues (queue_id, name) VALUES ('long', 'long');
        INSERT INTO fluent_starts (queue_name, queue_partition_key, application_name, workflow_uuid, started_at_epoch_ms)
        SELECT queue_name, queue_partition_key, application_name, workflow_uuid, rowid FROM workflow_status;
        INSERT INTO operation_outputs (workflow_uuid, function_id, function_name) SELECT workflow_uuid, 1, 'step' FROM workflow_status;
        INSERT INTO notifications (message_uuid, destination_uuid, topic, message, consumed)
        SELECT 'm' || rowid, CASE WHEN rowid < 5000 THEN 'w11001' ELSE workflow_uuid END, 'approval', 'text', rowid % 2
          FROM workflow_status;
        INSERT INTO workflow_events (workflow_uuid, key, value) SELECT workflow_uuid, 'key', 'value' FROM workflow_status;
        INSERT INTO streams (workflow_uuid, key, value, "offset") SELECT workflow_uuid, 'log', 'value', 0 FROM workflow_status;
        """);

    [GeneratedRegex(@"^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")]
    private static partial Regex Explained();

    [GeneratedRegex("@[a-z_]+")]
    private static partial Regex Parameter();

    // A table as a whole, under its own name or one of those that statements give it, or through an index that was made for the statement.
    [GeneratedRegex(
        @"SCAN (TABLE )?(workflow_|operation_outputs|notifications|streams|fluent_(waits|starts|origins|generations|message_order)|"
        + @"[wpnfis]\b)(?!schedules)|AUTOMATIC .*INDEX ON (workflow_|operation_outputs|notifications|streams|fluent_(waits|starts))")]
    private static partial Regex Large();

    // There is no more of what runs than engines were made to run at once.
    [GeneratedRegex("USING INDEX idx_workflow_status_pending")]
    private static partial Regex OfRunning();
}
