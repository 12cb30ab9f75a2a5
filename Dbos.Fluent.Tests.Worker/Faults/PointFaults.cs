namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>
/// Makes whatever is written two points, <c>before …</c> and <c>after …</c>, at which a test can hold and kill the worker.
/// </summary>
internal sealed class PointFaults(WorkerPoints points) : IStoreFaults
{
    public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken) => ReachAsync("before ", call);

    public Task AfterAsync(StoreCall call, CancellationToken cancellationToken) => ReachAsync("after ", call);

    private async Task ReachAsync(string moment, StoreCall call)
    {
        foreach (var subject in call.Subjects)
        {
            await points.ReachAsync(moment + subject);
        }
    }
}
