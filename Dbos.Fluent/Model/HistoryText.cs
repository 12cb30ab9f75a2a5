using System.Globalization;
using System.Text;

namespace Dbos.Fluent.Model;

/// <summary>Renders a history as text, without what differs between two equal runs: moments, executors, stack traces.</summary>
internal static class HistoryText
{
    public static string Render(WorkflowHistory history)
    {
        var status = history.Status;
        var text = new StringBuilder();
        text.Append("workflow ").Append(status.Name).Append(" '").Append(status.Id).Append("' ")
            .Append(status.State.ToStored()).Append('\n');
        Line(text, "  input   ", status.Input);
        Line(text, "  output  ", status.Output);
        Failure(text, "  error   ", "    ", status.Error);

        var width = history.Checkpoints.Count == 0 ? 0 : history.Checkpoints.Max(step => step.Name.Length);
        foreach (var step in history.Checkpoints)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {step.Sequence,3}  ").Append(step.Name.PadRight(width)).Append("  ");
            text.Append(step.Error is null ? Outcome(step) : "failed").Append('\n');
            Failure(text, "       ", "         ", step.Error);
        }

        return text.ToString();
    }

    private static string Outcome(Checkpoint step) => (step.ChildId, step.Output) switch
    {
        ({ } child, null) => $"-> '{child}'",
        ({ } child, { } output) => $"<- '{child}' {output}",
        // The wake-up moment of a sleep differs from run to run.
        (null, { } when) when step.Name == BuiltInNames.Sleep => "until " + Moment(when),
        (null, { } output) => output,
        (null, null) => "-",
    };

    private static string Moment(string epochMs) =>
        double.TryParse(epochMs, CultureInfo.InvariantCulture, out _) ? "(moment)" : epochMs;

    private static void Line(StringBuilder text, string label, string? value)
    {
        if (value is not null)
        {
            text.Append(label).Append(value).Append('\n');
        }
    }

    private static void Failure(StringBuilder text, string label, string indent, RecordedFailure? failure)
    {
        if (failure is null)
        {
            return;
        }

        text.Append(label).Append(failure.TypeName).Append(": ").Append(failure.Message.ReplaceLineEndings(" ")).Append('\n');
        foreach (var inner in failure.Inner)
        {
            Failure(text, indent + "<- ", indent + "   ", inner);
        }
    }
}
