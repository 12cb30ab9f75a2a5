namespace Dbos.Fluent.Tests.Properties;

/// <summary>Builds a program in the fluent form, so that it yields what <see cref="IteratorProgram"/> yields for it.</summary>
internal sealed class FluentProgram(ProgramLedger ledger, WorkflowDefinition<ProgramInput, int> children)
{
    private const int ItemsAtOnce = 2;

    private readonly ProgramStep steps = new(ledger);

    public WorkflowDefinition<ProgramInput, int> Build(string name, ProgramInput input)
    {
        var nodes = ProgramGenerator.Create(input);
        var (builder, value) = Add(Workflow.Define<ProgramInput, int>(name), nodes, x => x.Input.Value);
        return builder.Return(value);
    }

    private (WorkflowBuilder<ProgramInput, int> Builder, Func<FlowState<ProgramInput>, int> Value) Add(
        WorkflowBuilder<ProgramInput, int> builder, IReadOnlyList<ProgramNode> nodes, Func<FlowState<ProgramInput>, int> value)
    {
        foreach (var node in nodes)
        {
            (builder, value) = Add(builder, node, value);
        }

        return (builder, value);
    }

    private (WorkflowBuilder<ProgramInput, int> Builder, Func<FlowState<ProgramInput>, int> Value) Add(
        WorkflowBuilder<ProgramInput, int> builder, ProgramNode node, Func<FlowState<ProgramInput>, int> value)
    {
        switch (node)
        {
            case WorkNode work:
                var step = builder.Step(ProgramStep.Name(work), x => steps.WorkAsync(x.Step, work, value(x)));
                return ((work.Failures == 0 ? step : step.Retry(work.Failures + 1, TimeSpan.Zero)).As(out var done), x => x.Get(done));
            case ToleratedNode tolerated:
                var failing = builder.Step(ProgramStep.Name(tolerated), x => steps.FailAsync(x.Step, tolerated));
                var tolerant = (tolerated.Attempts == 1 ? failing : failing.Retry(tolerated.Attempts, TimeSpan.Zero)).Try(out var failed);
                return (tolerant, x => ProgramStep.Failed(value(x), x.Get(failed).Error!));
            case FailNode { InStep: true }:
                return (builder.Step(ProgramStep.Name(node), x => steps.FailAsync(x.Step, node)), value);
            case FailNode:
                return (builder.Fail(_ => new ProgramException(node.Number)), value);
            case SleepNode sleep:
                return (builder.Sleep(sleep.Duration), value);
            case BranchNode branch:
                var branches = builder.If(
                    x => value(x) % 2 == 0, even => Add(even, branch.Even, value).Builder, odd => Add(odd, branch.Odd, value).Builder);
                return (branches, value);
            case EachNode each:
                var forEach = builder.ForEach(
                    x => ProgramStep.Items(each, value(x)),
                    ProgramStep.Name(each),
                    (item, x) => steps.ItemAsync(x.Step, each, item, value(x)),
                    ItemsAtOnce);
                return (forEach.As(out var items), x => ProgramStep.Fold(x.Get(items).Prepend(value(x))));
            case TypedGroupNode group:
                var all = builder.Then(x => Step.All(group.Members.Select(member => steps.TypedMember(member, value(x), children))));
                return (all.As(out var members), x => ProgramStep.Fold(x.Get(members).Prepend(value(x))));
            case CallNode { Tolerated: true } call:
                return (
                    builder.Call(children, x => call.Child with { Value = value(x) }).Try(out var tried),
                    x => x.Get(tried) is { Succeeded: true } ok ? ok.Result : ProgramStep.Failed(value(x), x.Get(tried).Error!));
            case CallNode call:
                return (builder.Call(children, x => call.Child with { Value = value(x) }).As(out var called), x => x.Get(called));
            case StartNode start:
                var begun = builder.Start(children, x => start.Child with { Value = value(x) }).As(out var handle);
                return (Add(begun, start.Meanwhile, value).Builder.Await(handle).As(out var awaited), x => x.Get(awaited));
            default:
                throw new ArgumentException($"{node} has no fluent form.", nameof(node));
        }
    }
}
