using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// Plans are made once, often while the tables are empty, and kept: none may look right only for as long as few rows are in a state.
/// </summary>
public sealed class PostgresPlanTests(PostgresStores stores) : IClassFixture<PostgresStores>
{
    private const string Texts = "array['a']";

    private static readonly SchemaName Schema = new(PostgresStores.Schema);
    private static readonly CommitSql Commit = CommitSql.Skipping(Schema);
    private static readonly ParkedClaimSql Parked = new(Schema);

    // Each statement with the types and the values of its parameters.
    private static readonly Dictionary<string, (string Sql, string Types, string Values)> Statements = new()
    {
        ["outcome"] = (
            Commit.Outcome,
            "bigint, text, text, text, text, text, int, text, text, text, text, text, bigint, bigint",
            "1, 'a', 'a', 'a', 'a', 'a', 1, 'a', 'a', 'a', 'a', 'a', 1, 1"),
        ["outcomes"] = (
            Commit.Outcomes,
            "bigint, int[], text[], text[], text[], text[], text[], "
                + "int[], int[], text[], text[], text[], text[], text[], bigint[], bigint[]",
            $"1, array[1], {Texts}, {Texts}, {Texts}, {Texts}, {Texts}, "
                + $"array[1], array[1], {Texts}, {Texts}, {Texts}, {Texts}, {Texts}, array[1], array[1]"),
        ["park"] = (
            Commit.Units.Park,
            "bigint, text, text, int[], text[], text[], text[], text[], bigint[], int[]",
            $"1, 'a', 'a', array[1], {Texts}, {Texts}, {Texts}, {Texts}, array[1], array[0]"),
        ["claim"] = (
            new ClaimSql(Schema).Claim,
            "bigint, text, text, text, text, text[], int, int, bigint, text[]",
            $"1, 'a', 'a', 'a', 'a', {Texts}, 1, 1, 1, {Texts}"),
        ["claim of a limited queue"] = (
            new LimitedClaimSql(Schema).ClaimLine,
            "bigint, text, text, text, text, text[], int, int, bigint, text, int, jsonb, text",
            $"1, 'a', 'a', 'a', 'a', {Texts}, 1, 1, 1, 'a', 1, '{{}}', 'a'"),
        ["claim of a limited queue of several kinds"] = (
            new LimitedClaimSql(Schema).ClaimKinds,
            "bigint, text, text, text, text, text[], int, int, bigint, text, int, jsonb, text",
            $"1, 'a', 'a', 'a', 'a', {Texts}, 1, 1, 1, 'a', 1, '{{}}', 'a'"),
        ["claim of a partitioned queue"] = (
            new LimitedClaimSql(Schema).Claim,
            "bigint, text, text, text, text, text[], int, int, bigint, text, int, jsonb, text",
            $"1, 'a', 'a', 'a', 'a', {Texts}, 1, 1, 1, 'a', 1, '{{}}', 'a'"),
        ["debounce"] = (
            Commit.Debounce.Write,
            "bigint, text, text, text, text, text, text, text, text, int, text, text, text, text, text, text, bigint, bigint, bigint, "
            + "text, text, text, int, text, text, text, text, bigint, bigint, bigint",
            "1, 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 1, 'a', 'a', 'a', 'a', 'a', '{}', 1, 1, 1, 'a', 'a', 'a', 1, 'a', 'a', 'a', 'a', "
            + "1, 1, 1"),
        ["due"] = (Parked.Due, "bigint, text, text, text, text, text[], int", $"1, 'a', 'a', 'a', 'a', {Texts}, 1"),
        ["among"] = (Parked.Among, "bigint, text, text, text, text, text[], int, text[]", $"1, 'a', 'a', 'a', 'a', {Texts}, 1, {Texts}"),
        ["page"] = (Parked.Page, "bigint, text, text, text, text, text[], int, text, int", $"1, 'a', 'a', 'a', 'a', {Texts}, 1, 'a', 1"),
        ["woken"] = (
            Parked.Woken,
            "bigint, text, text, text, text, text[], int, text[], text[]",
            $"1, 'a', 'a', 'a', 'a', {Texts}, 1, {Texts}, {Texts}"),
    };

    public static TheoryData<string> Names => [.. Statements.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Rows_are_looked_up_by_key_and_not_through_all_of_their_state(string name)
    {
        var (sql, types, values) = Statements[name];
        await using var bed = (PostgresBed)await stores.CreateAsync();
        await using var connection = new NpgsqlConnection(bed.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var prepare = new NpgsqlCommand($"{PostgresLanes.PlanByKey}; PREPARE made ({types}) AS {sql}", connection);
        await prepare.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var plan = new List<string>();
        await using var explain = new NpgsqlCommand($"EXPLAIN EXECUTE made ({values})", connection);
        await using var reader = await explain.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            plan.Add(reader.GetString(0));
        }

        Assert.Contains(plan, line => line.Contains("workflow_status_pkey", StringComparison.Ordinal));
        Breaches.None(plan.Where(line => line.Contains("idx_workflow_status_pending", StringComparison.Ordinal)
            || line.Contains("idx_workflow_status_delayed", StringComparison.Ordinal)
            || line.Contains("Seq Scan on workflow_status", StringComparison.Ordinal)));
    }
}
