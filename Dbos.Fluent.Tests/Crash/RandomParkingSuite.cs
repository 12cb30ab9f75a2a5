namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// The same of processes in which every wait leaves memory at once. What is woken goes on whatever the limits of a worker are, but queues
/// with <c>Concurrency</c> or <c>PartitionConcurrency</c> keep the places of what waits, and their limits hold.
/// </summary>
public abstract class RandomParkingSuite(IDatabaseFixture fixture) : RandomQueueSuite(fixture)
{
    private protected override int UnloadAfter => 0;
}
