using System.Collections.Immutable;
using System.Globalization;

namespace Dbos.Fluent.Definitions;

/// <summary>The shape of a fluent definition: all its parts are known.</summary>
internal sealed class FlowShape<TIn>(FlowPlan<TIn> plan, Type output) : DefinitionShape
{
    public override string ToMermaid() => FlowDiagram<TIn>.Draw(plan);

    private protected override string ReadFingerprint() =>
        CodeFingerprint.Of(code =>
        {
            code.Line($"definition {plan.WorkflowName}");
            code.Type(typeof(TIn));
            code.Type(output);
            Write(plan.Parts, code);
        });

    private static void Write(ImmutableArray<FlowNode<TIn>> parts, CodeText code)
    {
        code.Line("{");
        foreach (var part in parts)
        {
            switch (part)
            {
                case StepNode<TIn> step:
                    Write(step, code);
                    break;
                case IfNode<TIn> choice:
                    code.Line("if");
                    code.Add(choice.Condition);
                    Write(choice.Then, code);
                    Write(choice.Otherwise, code);
                    break;
                case WhileNode<TIn> loop:
                    code.Line("while");
                    code.Add(loop.Condition);
                    Write(loop.Body, code);
                    break;
                case ParallelNode<TIn> parallel:
                    Write(parallel, code);
                    break;
                case PatchNode<TIn> patch:
                    code.Line($"patch {patch.Name}");
                    Write(patch.Patched, code);
                    Write(patch.Before, code);
                    break;
                case ContinueNode<TIn> again:
                    code.Line("continue as new");
                    code.Add(again.Input);
                    break;
                case FailNode<TIn> fail:
                    code.Line("fail");
                    code.Add(fail.Exception);
                    break;
                case ReturnNode<TIn> end:
                    code.Line("return");
                    code.Add(end.Code);
                    break;
                case var unknown:
                    throw new System.Diagnostics.UnreachableException($"Unknown part {unknown.GetType().Name}.");
            }
        }

        code.Line("}");
    }

    private static void Write(ParallelNode<TIn> parallel, CodeText code)
    {
        code.Line("parallel");
        foreach (var branch in parallel.Branches)
        {
            code.Line($"branch {branch.Name}");
            Write(branch.Parts, code);
        }
    }

    private static void Write(StepNode<TIn> step, CodeText code)
    {
        // The user's code already contains the name of a step it makes. The text of its expression changes with mere layout.
        var title = step.Kind == NodeKind.Custom ? "" : step.Key.Title;
        code.Line($"step {Text(step.Kind)} {title} {step.Facts}{(step.Tolerant ? " tolerant" : "")}");
        if (step.Options.Timeout is { } timeout)
        {
            code.Line($"timeout {timeout:c}");
        }

        if (step.Options.Retry is { } retry)
        {
            code.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"retry {retry.Attempts} {retry.Delay:c} {retry.Backoff:R} {retry.MaxDelay:c} {retry.Jitter:R}"));
            if (retry.RetryIf is { } retryIf)
            {
                code.Add(retryIf);
            }
        }

        if (step.ValueType is { } awaited)
        {
            code.Type(awaited);
        }

        foreach (var body in step.Code)
        {
            code.Add(body);
        }

        if (step.UndoCode is { } undo)
        {
            code.Line("undo");
            code.Add(undo);
        }
    }

    // Part of every fingerprint: a kind may be renamed in the code, but its text here must not change.
    private static string Text(NodeKind kind) => kind switch
    {
        NodeKind.Run => "Run",
        NodeKind.Each => "Each",
        NodeKind.Custom => "Any",
        NodeKind.BuiltIn => "BuiltIn",
        _ => throw new System.Diagnostics.UnreachableException($"Unknown kind {kind}."),
    };
}
