using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>A database that our migrations made against one that the published SDK's made, object by object.</summary>
public sealed class SchemaEqualityTests(SharedPostgres server)
{
    private const string OtherSchema = "Other Schema";

    // What may differ, each with its reason; one that no longer does fails the test as well.
    private static readonly (Func<string, bool> Is, string Why)[] Allowed =
    [
        (name => OwnName(name).StartsWith("fluent_", StringComparison.Ordinal),
            "a table, sequence or key of ours beside those of DBOS"),
        (name => name.StartsWith("index ", StringComparison.Ordinal) && name.Contains(".idx_fluent_", StringComparison.Ordinal),
            "an index of ours on a table of DBOS, which changes no row and no statement of another SDK"),
        (name => name.StartsWith("body of enqueue_workflow(", StringComparison.Ordinal),
            "in words of our own; that it does the same is shown by SqlFunctionEqualityTests"),
        (name => name.StartsWith("body of send_message(", StringComparison.Ordinal),
            "in words of our own; that it does the same is shown by SqlFunctionEqualityTests"),
        (name => name == "body of notifications_function()",
            "in words of our own, and it announces a message without a topic too, which no SDK writes"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Our_migrations_and_the_SDKs_make_the_same_objects_in_any_schema()
    {
        var (ours, theirs) = (await server.CreateDatabaseAsync(Cancel), await server.CreateDatabaseAsync(Cancel));
        await using var sdk = SdkProgram.Start();
        foreach (var schema in (string[])["dbos", OtherSchema])
        {
            await MigrateAsync(ours, schema);
            await sdk.CallAsync("migrate", new { url = SdkProgram.UrlOf(theirs), schema });

            Assert.Empty(sdk.Complaints);
            Compare(await SchemaCatalog.ReadAsync(ours, schema), await SchemaCatalog.ReadAsync(theirs, schema));
        }
    }

    private static async Task MigrateAsync(string connection, string schema)
    {
        await using var store = OwnTables.Open(connection, schema);
        await store.Schema.MigrateAsync(Cancel);
    }

    private static void Compare(SortedDictionary<string, string> made, SortedDictionary<string, string> expected)
    {
        var differences = made.Keys.Union(expected.Keys)
            .Where(name => made.GetValueOrDefault(name) != expected.GetValueOrDefault(name))
            .ToList();
        Breaches.None(
            from name in differences
            where !Allowed.Any(allowed => allowed.Is(name))
            select $"{name}\n  ours:   {made.GetValueOrDefault(name)}\n  theirs: {expected.GetValueOrDefault(name)}");
        Breaches.None(
            from allowed in Allowed
            where !differences.Exists(name => allowed.Is(name))
            select $"No longer differs: {allowed.Why}");
        Assert.True(expected.Count > 150, $"Only {expected.Count} objects were compared.");
        Assert.Equal($"{SchemaLevel.DbosCurrent}", expected["recorded level"]);
    }

    // Of "column table.name" the table.
    private static string OwnName(string entry) => entry[(entry.IndexOf(' ') + 1)..];
}
