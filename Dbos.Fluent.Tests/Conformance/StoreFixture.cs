namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What one kind of store contributes to the suites: databases to try it on, and in what it differs.</summary>
/// <remarks>A new store is this class, <see cref="StoreBed"/>, and one empty class for each suite.</remarks>
public abstract class StoreFixture
{
    /// <summary>Expected of its capabilities: other processes' changes are announced.</summary>
    internal abstract bool PushesSignals { get; }

    /// <summary>
    /// Rows are locked one by one, so that a foreign lock makes a unit busy. False if there is one lock for all, which is waited for.
    /// </summary>
    internal abstract bool LocksRows { get; }

    /// <summary>A migrated database for one test, with a store on it that runs on virtual time.</summary>
    internal abstract Task<StoreBed> CreateAsync();

    /// <summary>
    /// The same with connections that nobody had before: what was announced to one of them is told to whoever has it next.
    /// </summary>
    internal virtual Task<StoreBed> CreateApartAsync() => CreateAsync();

    /// <summary>A database without tables.</summary>
    internal abstract Task<StoreBed> CreateEmptyAsync();

    /// <summary>A place that cannot be migrated: no database, or nothing may be made there.</summary>
    internal abstract Task<StoreBed> CreateUnusableAsync();
}
