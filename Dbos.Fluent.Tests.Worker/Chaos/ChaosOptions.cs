namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>How a chaos run is to be.</summary>
/// <param name="Seed">Chooses the faults and their moments; how the processes take them is not repeated by it.</param>
/// <param name="Workflows">At least so many are started, children included.</param>
/// <param name="Duration">How long faults happen.</param>
internal sealed record ChaosOptions(int Seed, int Workflows, TimeSpan Duration)
{
    /// <summary>In a round there is one workflow of each kind, and their children.</summary>
    private const int WorkflowsInRound = 18;

    public const int Processes = 4;

    /// <summary>Short enough that a paused or silent process loses its work many times in a run.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>When the faults are over, all must end within this.</summary>
    public TimeSpan SettlingLimit { get; init; } = TimeSpan.FromMinutes(2);

    public int Rounds => (Workflows + WorkflowsInRound - 1) / WorkflowsInRound;

    /// <summary>How many workflows there are in the end.</summary>
    public int Total => Rounds * WorkflowsInRound;
}
