using System.Collections.Immutable;
using System.Globalization;

namespace Dbos.Fluent.Definitions;

/// <summary>Draws a fluent definition. Parts are numbered in the order written, so equal definitions give equal texts.</summary>
internal sealed class FlowDiagram<TIn>
{
    private readonly MermaidText text = new();
    private int drawn;

    public static string Draw(FlowPlan<TIn> plan)
    {
        var diagram = new FlowDiagram<TIn>();
        diagram.text.Rounded("start", plan.WorkflowName);
        var open = diagram.Draw(plan.Parts, [new("start", null)]);
        if (open.Length > 0)
        {
            diagram.Enter(open, diagram.text.Rounded, "end");
        }

        return diagram.text.ToString();
    }

    /// <summary>Draws parts that follow the given open ends, and returns the ends that are open after them.</summary>
    private ImmutableArray<OpenEnd> Draw(ImmutableArray<FlowNode<TIn>> parts, ImmutableArray<OpenEnd> open)
    {
        foreach (var part in parts)
        {
            // Parts after a return or a failure are never reached, so they are not drawn.
            if (open.IsEmpty)
            {
                break;
            }

            open = part switch
            {
                StepNode<TIn> step => [new(Enter(open, step.Kind == NodeKind.Each ? text.Subroutine : text.Box, Label(step)), null)],
                IfNode<TIn> choice => Draw(choice, open),
                WhileNode<TIn> loop => Draw(loop, open),
                ParallelNode<TIn> parallel => Draw(parallel, open),
                PatchNode<TIn> patch => Draw(patch, open),
                ContinueNode<TIn> => End(open, text.Rounded, "continue as new"),
                FailNode<TIn> fail => End(open, text.Hexagon, "fail: " + FlowText.Title(fail.Label, otherwise: "an exception")),
                ReturnNode<TIn> => End(open, text.Rounded, "return"),
                _ => throw new System.Diagnostics.UnreachableException($"Unknown part {part.GetType().Name}."),
            };
        }

        return open;
    }

    private ImmutableArray<OpenEnd> Draw(IfNode<TIn> choice, ImmutableArray<OpenEnd> open)
    {
        var id = Enter(open, text.Diamond, FlowText.Title(choice.Label, otherwise: "a condition"));
        return [.. Draw(choice.Then, [new(id, "yes")]), .. Draw(choice.Otherwise, [new(id, "no")])];
    }

    private ImmutableArray<OpenEnd> Draw(PatchNode<TIn> patch, ImmutableArray<OpenEnd> open)
    {
        var id = Enter(open, text.Diamond, "patch " + patch.Name);
        return [.. Draw(patch.Patched, [new(id, "new")]), .. Draw(patch.Before, [new(id, "old")])];
    }

    private ImmutableArray<OpenEnd> Draw(WhileNode<TIn> loop, ImmutableArray<OpenEnd> open)
    {
        var id = Enter(open, text.Diamond, "while " + FlowText.Title(loop.Label, otherwise: "a condition holds"));
        Connect(Draw(loop.Body, [new(id, "yes")]), id);
        return [new(id, "no")];
    }

    private ImmutableArray<OpenEnd> Draw(ParallelNode<TIn> parallel, ImmutableArray<OpenEnd> open)
    {
        var id = Enter(open, text.Fork, "parallel");
        ImmutableArray<OpenEnd> ends =
            [.. parallel.Branches.SelectMany(branch => Draw(branch.Parts, [new(id, MermaidText.Quoted(branch.Name))]))];
        return ends.IsEmpty ? [] : [new(Enter(ends, text.Join, "join"), null)];
    }

    private ImmutableArray<OpenEnd> End(ImmutableArray<OpenEnd> open, Func<string, string, MermaidText> shape, string label)
    {
        Enter(open, shape, label);
        return [];
    }

    private string Enter(ImmutableArray<OpenEnd> open, Func<string, string, MermaidText> shape, string label)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"n{++drawn}");
        shape(id, label);
        Connect(open, id);
        return id;
    }

    private void Connect(ImmutableArray<OpenEnd> open, string to)
    {
        foreach (var end in open)
        {
            text.Edge(end.From, to, end.Label);
        }
    }

    private static string Label(StepNode<TIn> step)
    {
        List<string> modifiers = [];
        if (step.Kind == NodeKind.Each)
        {
            modifiers.Add($"for each, {step.Facts}");
        }

        if (step.Options.Retry is { } retry)
        {
            modifiers.Add(string.Create(CultureInfo.InvariantCulture, $"{retry.Attempts} attempts"));
        }

        if (step.Options.Timeout is { } timeout)
        {
            modifiers.Add($"timeout {timeout:c}");
        }

        if (step.UndoCode is not null)
        {
            modifiers.Add("undone on failure");
        }

        if (step.Tolerant)
        {
            modifiers.Add("may fail");
        }

        return modifiers.Count == 0 ? step.Label : $"{step.Label}\n{string.Join(", ", modifiers)}";
    }

    /// <summary>An edge whose other end is the next part drawn.</summary>
    private readonly record struct OpenEnd(string From, string? Label);
}
