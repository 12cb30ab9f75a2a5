using System.Globalization;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// What runs in the chaos: workflows of every kind, whose results follow from their input alone and whose steps note their effects. The
/// input is the number of a round, in which there is one of each kind.
/// </summary>
internal sealed partial class ChaosWorkflows(ChaosLedger? ledger)
{
    public const int MessageCount = 3;
    public const int ChildCount = 3;

    private static readonly TimeSpan Never = TimeSpan.FromMinutes(30);

    /// <summary>Its limit is shared by all engines.</summary>
    public static readonly WorkflowQueue Queue = new("chaos") { Concurrency = 8 };

    private WorkflowDefinition<int, string> Child => field ??= Define("child", RunChild);

    /// <summary>
    /// Every kind that is started from outside, in the order of the starts: what others send to or read from comes before them.
    /// </summary>
    public IReadOnlyList<ChaosKind> Kinds => field ??=
    [
        new(Define("receiver", RunReceiver), _ => "0,1,2", ["before", "after"]),
        new(Define("writer", RunWriter), _ => "written", ["before", "after"]),
        new(Define("setter", RunSetter), _ => "set", ["before", "after"]),
        new(Define("sender", RunSender), _ => "sent", ["before", "after"]),
        new(Define("reader", RunReader), _ => "0,1,2", ["before", "after"]),
        new(Define("getter", RunGetter), Text, ["before", "after"]),
        new(Define("chain", RunChain), _ => "0,1,2,3,4", ["0", "1", "2", "3", "4"]),
        new(Define("nap", RunNap), _ => "awake", ["before", "after"]),
        new(Define("sleeper", RunSleeper), _ => "awake", ["before", "after"]),
        new(Define("caller", RunCaller), number => $"child of {number}", ["before", "after"]) { Children = [1] },
        new(Define("fan", RunFan), number => $"child of {number},child of {number},child of {number}", ["before", "after"])
        {
            Children = [1, 2, 3],
        },
        new(Define("group", RunGroup), _ => "0,1,2,3,4", ["0", "1", "2", "3", "4", "after"]),
        new(Define("queued", RunQueued), _ => "worked", ["one", "two"]) { Queue = Queue },
        new(Define("saga", RunSaga), null, ["one", "two", "one.compensate", "two.compensate"]),
    ];

    public WorkflowDefinition[] All => [.. Kinds.Select(kind => kind.Definition), Child];

    public static string IdOf(string kind, int number) => $"{kind}-{Text(number)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static WorkflowDefinition<int, string> Define(
        string name, Func<int, WorkflowContext, IAsyncEnumerable<StepOr<string>>> body) => Workflow.Define(name, body);

    private Step<string> Effect(long began, string name) => Step.Run(name, step => EffectAsync(step, began, name));

    // Noted where the body begins, so that a process paused in it has noted what it had begun; then the body takes a moment.
    private async Task<string> EffectAsync(StepContext step, long began, string name)
    {
        ledger!.Add(step.WorkflowId, name, began);
        await Task.Delay(TimeSpan.FromMilliseconds(1 + (step.Sequence % 5)), TimeProvider.System, step.CancellationToken);
        return name;
    }
}

/// <summary>A kind of workflow, and what must be true of each of it when all is over.</summary>
/// <param name="Definition">Its definition.</param>
/// <param name="Result">Its result by the number of its round; null where it fails.</param>
/// <param name="Steps">The steps that note effects, each of which has one checkpoint in the end.</param>
internal sealed record ChaosKind(WorkflowDefinition<int, string> Definition, Func<int, string>? Result, IReadOnlyList<string> Steps)
{
    /// <summary>The sequences at which it starts children.</summary>
    public IReadOnlyList<int> Children { get; init; } = [];

    /// <summary>The queue it is put in; null if it is started directly.</summary>
    public WorkflowQueue? Queue { get; init; }
}
