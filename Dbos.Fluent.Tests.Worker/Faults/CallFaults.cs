namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>Faults that a test puts at calls of its choice, as functions: they may throw, wait, or count.</summary>
internal sealed class CallFaults : IStoreFaults
{
    /// <summary>Runs before a call takes effect.</summary>
    public Func<StoreCall, CancellationToken, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Runs after a call took effect.</summary>
    public Func<StoreCall, CancellationToken, Task> After { get; set; } = (_, _) => Task.CompletedTask;

    public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken) => Before(call, cancellationToken);

    public Task AfterAsync(StoreCall call, CancellationToken cancellationToken) => After(call, cancellationToken);

    /// <summary>A database that cannot be reached.</summary>
    public static StoreUnavailableException Unavailable(string why) => new("The store", new IOException(why));

    /// <summary>What a store reports when its answer did not come in time.</summary>
    public static StoreUnavailableException TimedOut() => new("The store", new TimeoutException("Too late.")) { TimedOut = true };
}
