using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Dbos.Fluent.Tests.Infrastructure.LongestFirst))]

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Begins with the classes that take longest, so that none runs alone at the end; the others stay in their order.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        "Chaos", "RandomQueue", "QueueKill", "Kill", "RestartTests", "CollectionLoad", "CompiledAgain", "CallFault", "EitherFirst",
        "Failover", "Race", "MixedFleet",
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(collection => Rank(collection.TestCollectionDisplayName))];

    private static int Rank(string name)
    {
        var rank = Array.FindIndex(Long, word => name.Contains(word, StringComparison.Ordinal));
        return rank < 0 ? Long.Length : rank;
    }
}
