namespace Dbos.Fluent.Errors;

/// <summary>Formats other parties' texts for use inside the library's messages.</summary>
internal static class FailureText
{
    /// <summary>A failure as a sentence, with a remedy unless it is a failure of this library, whose message has one.</summary>
    public static string Of(RecordedFailure failure, string remedy)
    {
        var text = $"{failure.TypeName}: {Sentence(failure.Message)}";
        return failure.Message.StartsWith("DBOS", StringComparison.Ordinal) ? text : $"{text} {remedy}";
    }

    /// <summary>Ends a text with a full stop, so that the next sentence does not run on from it.</summary>
    public static string Sentence(string text)
    {
        var trimmed = text.TrimEnd();
        return trimmed is [.., '.' or '!' or '?'] ? trimmed : trimmed + ".";
    }
}
