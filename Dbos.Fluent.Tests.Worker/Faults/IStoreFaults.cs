namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>What happens around the calls of a <see cref="FaultingStore"/>: it may throw, wait, or take note.</summary>
internal interface IStoreFaults
{
    /// <summary>The call is about to reach the database; what is thrown here is thrown before it took effect.</summary>
    Task BeforeAsync(StoreCall call, CancellationToken cancellationToken);

    /// <summary>The call has taken effect; what is thrown here loses its acknowledgement.</summary>
    Task AfterAsync(StoreCall call, CancellationToken cancellationToken);
}
