using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The published SDK and we make the tables of one empty database at the same time, neither knowing of the other.</summary>
public sealed class MigrationRaceTests(SharedPostgres server)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Neither_fails_and_the_tables_are_as_ever(int levelBefore)
    {
        var (database, undisturbed) = (await server.CreateDatabaseAsync(Cancel), await server.CreateDatabaseAsync(Cancel));
        await using var ours = OwnTables.Open(database);
        await using var other = OwnTables.Open(undisturbed);
        await other.Schema.MigrateAsync(Cancel);
        await using var sdk = SdkProgram.Start();
        await sdk.CallAsync("connect", new { url = SdkProgram.UrlOf(database) });   // Then the process is up.

        var theirs = sdk.CallAsync("migrate", new { url = SdkProgram.UrlOf(database), schema = "dbos" });
        await Eventually.TrueAsync(
            async () => (await ours.Schema.ReadLevelAsync(Cancel)).Dbos.GetValueOrDefault() >= levelBefore, Bounded.Limit);
        await ours.Schema.MigrateAsync(Cancel).Within(Bounded.Limit);
        await theirs;

        Assert.Empty(sdk.Complaints);
        Assert.Equal(
            new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await ours.Schema.ReadLevelAsync(Cancel));
        var (made, expected) = (await SchemaCatalog.ReadAsync(database, "dbos"), await SchemaCatalog.ReadAsync(undisturbed, "dbos"));
        Breaches.None(
            from name in made.Keys.Union(expected.Keys)
            where !name.StartsWith("body of ", StringComparison.Ordinal)
            where made.GetValueOrDefault(name) != expected.GetValueOrDefault(name)
            select $"{name}\n  made:     {made.GetValueOrDefault(name)}\n  expected: {expected.GetValueOrDefault(name)}");
    }
}
