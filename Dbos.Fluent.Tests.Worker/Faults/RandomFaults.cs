namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>Fails calls at random, half of them before and half after they took effect.</summary>
internal sealed class RandomFaults(int seed, double probability) : IStoreFaults
{
    private readonly Lock gate = new();
    private readonly Random random = new(seed);

    public double Probability { get; set; } = probability;

    public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken) => FailAtRandom("The call was lost.");

    public Task AfterAsync(StoreCall call, CancellationToken cancellationToken) => FailAtRandom("The answer was lost.");

    private Task FailAtRandom(string why)
    {
        lock (gate)
        {
            return random.NextDouble() < Probability / 2 ? throw CallFaults.Unavailable(why) : Task.CompletedTask;
        }
    }
}
