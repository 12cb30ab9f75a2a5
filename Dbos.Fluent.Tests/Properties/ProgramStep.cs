namespace Dbos.Fluent.Tests.Properties;

/// <summary>The steps of programs: what both forms of a workflow, the iterator and the fluent one, have in common.</summary>
internal sealed class ProgramStep(ProgramLedger ledger)
{
    public static string Name(ProgramNode node) => $"{node.GetType().Name[..^4]} {node.Number}";

    /// <summary>A number that follows from two others, and never overflows.</summary>
    public static int Mix(int value, int with) => (int)((((uint)value * 31) + (uint)with) % 1_000_003);

    public static int Fold(IEnumerable<int> values) => values.Aggregate(17, Mix);

    public static IEnumerable<int> Items(EachNode node, int value) => Enumerable.Range(0, value % (node.ItemsMax + 1));

    /// <summary>What a tolerated failure makes of a value.</summary>
    /// <remarks>Its message does not count: it may name a workflow, and another run of the program has another id.</remarks>
    public static int Failed(int value, RecordedFailure failure) => failure.Inner.Aggregate(Mix(value, failure.TypeName.Length), Failed);

    public async Task<int> WorkAsync(StepContext s, WorkNode node, int value)
    {
        ledger.Enter(s);
        if (node.Number % 2 == 0)
        {
            await Task.Yield();
        }

        return s.Attempt <= node.Failures ? throw new ProgramException(node.Number) : Mix(value, node.Number);
    }

    public Task<int> FailAsync(StepContext s, ProgramNode node)
    {
        ledger.Enter(s);
        throw new ProgramException(node.Number);
    }

    public Task<int> ItemAsync(StepContext s, EachNode node, int item, int value)
    {
        ledger.Enter(s);
        return Task.FromResult(Mix(Mix(value, item), node.Number));
    }

    public RunStep<int> Work(WorkNode node, int value)
    {
        var step = Step.Run(Name(node), s => WorkAsync(s, node, value));
        return node.Failures == 0 ? step : step.Retry(node.Failures + 1, TimeSpan.Zero);
    }

    public RunStep<int> Tolerated(ToleratedNode node)
    {
        var step = Step.Run(Name(node), s => FailAsync(s, node));
        return node.Attempts == 1 ? step : step.Retry(node.Attempts, TimeSpan.Zero);
    }

    public Step<int> TypedMember(ProgramNode node, int value, WorkflowDefinition<ProgramInput, int> program) => node switch
    {
        WorkNode work => Work(work, value),
        CallNode call => Step.Call(program, call.Child with { Value = value }),
        _ => throw new ArgumentException($"{node} is no member of a typed group.", nameof(node)),
    };
}

/// <summary>What generated workflows throw.</summary>
internal sealed class ProgramException(int number) : Exception($"Node {number} fails.");
