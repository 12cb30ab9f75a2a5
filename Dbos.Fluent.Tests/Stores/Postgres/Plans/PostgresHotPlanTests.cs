using System.Reflection;
using Dbos.Fluent.Storage.Postgres;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>
/// How the server executes each statement on large tables, run as the library runs it: what it reads follows its own limits, whatever
/// waits, is parked, or has ended.
/// </summary>
public sealed class PostgresHotPlanTests(RecordedPlans plans) : IClassFixture<RecordedPlans>
{
    private const string Untold = "The server has no auto_explain, or the role may not load it.";

    // The tables themselves; what announces; what is about schedules and versions alone, of which there are few; and what has two forms of
    // which one is never run: a retry writes one outcome, and a lane takes no lock in a statement before.
    private static readonly string[] NotHot =
    [
        "SchemaSql.", "SignalSql.",
        "ScheduleSql.Create", "ScheduleSql.Lock", "ScheduleSql.Update", "ScheduleSql.Reschedule", "ScheduleSql.Apply",
        "ScheduleSql.SetPaused", "ScheduleSql.Delete",
        "VersionSql.SetLatest",
        "CommitSql.Outcomes", "UnitSql.LockOwner", "DebounceSql.Lock",
    ];

    public static TheoryData<string> Calls => [.. HotCall.All.Keys];

    [Theory]
    [MemberData(nameof(Calls))]
    public void Cost_follows_the_limits_and_not_the_backlog(string name)
    {
        Assert.SkipUnless(plans.AreTold, Untold);
        var call = HotCall.All[name];
        var recorded = plans.Of(name);

        Breaches.None(
            from one in recorded
            where one.Seen is Exception || one.When == "analysed" || (one.When == "filled" && !call.NeedsStatistics)
            from breach in one.Seen is ExecutedPlan plan ? plan.Breaches(call.Counts) : [one.Seen.ToString()!]
            select $"{one.When}: {breach}");
        foreach (var when in (string[])["filled", "analysed"])
        {
            Assert.Contains(recorded, one => one.When == when && one.Seen is ExecutedPlan plan && plan.Statement == call.Statement);
        }
    }

    // Scenario MG-05: a call that was refused is a breach above. What is not hot runs under that role in the suites that derive from it.
    [Fact]
    public void Each_statement_needs_no_more_than_the_right_to_change_rows()
    {
        Assert.SkipUnless(plans.AreTold, Untold);
        Assert.Equal([RestrictedRole.Name], plans.Roles);
    }

    [Fact]
    public void Each_statement_of_the_store_is_looked_at()
    {
        Assert.SkipUnless(plans.AreTold, Untold);
        var statements = (
            from type in typeof(CommitSql).Assembly.GetTypes()
            where type.Namespace == typeof(CommitSql).Namespace && type.Name.EndsWith("Sql", StringComparison.Ordinal)
            from instance in Make(type)
            from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            where property.PropertyType == typeof(string)
            select (Name: $"{type.Name}.{property.Name}", Text: (string)property.GetValue(instance)!)).ToList();

        Assert.True(statements.Count > 100);
        Breaches.None(
            from one in statements
            where !plans.Statements.Contains(one.Text) && !NotHot.Any(name => one.Name.StartsWith(name, StringComparison.Ordinal))
            select one.Name);
    }

    // Each for the schema, and those that lock both skipping and waiting.
    private static IEnumerable<object> Make(Type type)
    {
        var constructors = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        if (constructors is not [var constructor])
        {
            return [];
        }

        var types = constructor.GetParameters().Select(parameter => parameter.ParameterType).ToList();
        return types switch
        {
            [] => [constructor.Invoke([])],
            [var only] when only == typeof(SchemaName) => [constructor.Invoke([HotCall.Schema])],
            [_, var locking] when locking == typeof(string) =>
                [constructor.Invoke([HotCall.Schema, "SKIP LOCKED"]), constructor.Invoke([HotCall.Schema, ""])],
            _ => [],
        };
    }
}
