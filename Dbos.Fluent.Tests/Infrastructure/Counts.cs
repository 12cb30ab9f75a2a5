using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Counts how often what was entered; a name that was never counted is 0.</summary>
public sealed class Counts
{
    private readonly ConcurrentDictionary<string, int> counts = new();

    /// <summary>How often.</summary>
    public int this[string name] => counts.GetValueOrDefault(name);

    /// <summary>Once more.</summary>
    public int Add(string name) => counts.AddOrUpdate(name, 1, (_, count) => count + 1);

    /// <summary>Once more, and gives the value, for an expression body.</summary>
    public T Add<T>(string name, T value)
    {
        Add(name);
        return value;
    }
}
