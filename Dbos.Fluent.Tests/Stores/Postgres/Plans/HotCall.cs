using Dbos.Fluent.Storage.Postgres;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>A call of the store by which it runs a statement.</summary>
/// <param name="Statement">The statement, as the library's own class has it.</param>
/// <param name="Run">The call. Whatever else it runs is looked at too.</param>
internal sealed record HotCall(string Statement, Func<Executing, Task> Run)
{
    public static SchemaName Schema { get; } = new(PostgresStores.Schema);

    /// <summary>True where it counts a line: it may read that line as a whole, by its index.</summary>
    public bool Counts { get; init; }

    /// <summary>
    /// True for what is asked for now and then, and planned anew each time: the statistics of the tables may lead it on the right way. What
    /// is prepared, or asked for with each piece of work, must find it without.
    /// </summary>
    public bool NeedsStatistics { get; init; }

    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, HotCall> All { get; } = new[]
    {
        QueueCalls.All, ClaimCalls.All, StartCalls.All, RunCalls.All, ReadCalls.All, WatchCalls.All, ManagementCalls.All,
    }.SelectMany(calls => calls).ToDictionary();
}
