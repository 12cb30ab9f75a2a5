namespace Dbos.Fluent.Tests.Properties;

/// <summary>Runs any program as an iterator.</summary>
internal sealed class IteratorProgram
{
    private readonly ProgramLedger ledger;
    private readonly ProgramStep steps;

    public IteratorProgram(ProgramLedger ledger)
    {
        this.ledger = ledger;
        steps = new ProgramStep(ledger);
        Definition = Workflow.Define<ProgramInput, int>("program", RunAsync);
    }

    public WorkflowDefinition<ProgramInput, int> Definition { get; }

    private async IAsyncEnumerable<StepOr<int>> RunAsync(ProgramInput input, WorkflowContext workflow)
    {
        var run = new Run(this, workflow, input.Value);
        await foreach (var step in run.SequenceAsync(ProgramGenerator.Create(input)))
        {
            yield return step;
        }

        yield return run.Value;
    }

    private sealed class Run(IteratorProgram program, WorkflowContext workflow, int value)
    {
        private readonly ProgramStep steps = program.steps;
        private int next;

        public int Value { get; private set; } = value;

        public async IAsyncEnumerable<Step> SequenceAsync(IReadOnlyList<ProgramNode> nodes)
        {
            foreach (var node in nodes)
            {
                await foreach (var step in NodeAsync(node))
                {
                    yield return step;
                }
            }
        }

        private IAsyncEnumerable<Step> NodeAsync(ProgramNode node) => node switch
        {
            WorkNode or SleepNode or ToleratedNode or FailNode or DrawNode or CallNode => SimpleAsync(node),
            EachNode each => ListAsync(Step.All(ProgramStep.Items(each, Value).Select(Item(each, Value)))),
            TypedGroupNode group => ListAsync(Step.All(group.Members.Select(Member))),
            GroupNode group => GroupAsync(group),
            FailingGroupNode group => FailingAsync(group),
            BranchNode branch => BranchAsync(branch),
            LoopNode loop => LoopAsync(loop),
            StartNode start => StartAsync(start),
            _ => throw new ArgumentException($"{node} is unknown.", nameof(node)),
        };

        private async IAsyncEnumerable<Step> SimpleAsync(ProgramNode node)
        {
            if (node is DrawNode)
            {
                Value = ProgramStep.Mix(ProgramStep.Mix(Value, workflow.Random.Next(1000)), workflow.NewGuid().ToByteArray()[3]);
            }
            else if (node is FailNode { InStep: false })
            {
                throw new ProgramException(node.Number);
            }
            else
            {
                var (step, apply) = Descriptor(node);
                yield return Count(step);
                apply();
            }
        }

        // A descriptor, and what its outcome does to the value.
        private (Step Step, Action Apply) Descriptor(ProgramNode node)
        {
            switch (node)
            {
                case WorkNode work:
                    steps.Work(work, Value).As(out var done);
                    return (done, () => Value = done.Result);
                case SleepNode sleep:
                    return (Step.Sleep(sleep.Duration), () => { });
                case ToleratedNode tolerated:
                    steps.Tolerated(tolerated).Try(out var failed);
                    return (failed, () => Value = ProgramStep.Failed(Value, failed.Error!));
                case FailNode:
                    return (Step.Run(ProgramStep.Name(node), s => steps.FailAsync(s, node)), () => { });
                case CallNode { Tolerated: true } call:
                    Step.Call(program.Definition, call.Child with { Value = Value }).Try(out var tried);
                    return (tried, () => Value = tried.Succeeded ? tried.Result : ProgramStep.Failed(Value, tried.Error!));
                case CallNode call:
                    Step.Call(program.Definition, call.Child with { Value = Value }).As(out var called);
                    return (called, () => Value = called.Result);
                case GroupNode group:
                    var members = group.Members.Select(Descriptor).ToList();
                    return (Step.All([.. members.Select(member => member.Step)]), () => members.ForEach(member => member.Apply()));
                default:
                    throw new ArgumentException($"{node} has no descriptor.", nameof(node));
            }
        }

        private async IAsyncEnumerable<Step> ListAsync(Step<IReadOnlyList<int>> all)
        {
            yield return Count(all, isGroup: true);
            Value = ProgramStep.Fold(all.Result.Prepend(Value));
        }

        private async IAsyncEnumerable<Step> GroupAsync(GroupNode group)
        {
            var (step, apply) = Descriptor(group);
            yield return Count(step, isGroup: true);
            apply();
        }

        private async IAsyncEnumerable<Step> FailingAsync(FailingGroupNode group)
        {
            var members = group.Members.Select(Member).ToList();
            members[group.Failing] = Step.Run(ProgramStep.Name(group), s => steps.FailAsync(s, group));
            var all = Step.All(members);
            program.ledger.Loosen(workflow.WorkflowId, next, all.Slots);
            if (!group.Tolerated)
            {
                yield return Count(all, isGroup: true);
            }
            else
            {
                yield return Count(all.Try(out var failed), isGroup: true);
                Value = ProgramStep.Failed(Value, failed.Error!);
            }
        }

        private async IAsyncEnumerable<Step> BranchAsync(BranchNode branch)
        {
            var before = Value;
            await foreach (var step in SequenceAsync(Value % 2 == 0 ? branch.Even : branch.Odd))
            {
                yield return step;
            }

            Value = before;
        }

        private async IAsyncEnumerable<Step> LoopAsync(LoopNode loop)
        {
            for (var left = Value % 4; left > 0; left--)
            {
                await foreach (var step in SequenceAsync(loop.Body))
                {
                    yield return step;
                }
            }
        }

        private async IAsyncEnumerable<Step> StartAsync(StartNode start)
        {
            yield return Count(Step.Start(program.Definition, start.Child with { Value = Value }).As(out var handle));
            await foreach (var step in SequenceAsync(start.Meanwhile))
            {
                yield return step;
            }

            yield return Count(Step.Await(handle.Result).As(out var result));
            Value = result.Result;
        }

        private Step<int> Member(ProgramNode node) => steps.TypedMember(node, Value, program.Definition);

        private Func<int, Step<int>> Item(EachNode node, int before) =>
            item => Step.Run(ProgramStep.Name(node), s => steps.ItemAsync(s, node, item, before));

        private Step Count(Step step, bool isGroup = false)
        {
            if (isGroup)
            {
                program.ledger.Group(workflow.WorkflowId, next, step.Slots);
            }

            next += step.Slots;
            return step;
        }
    }
}
