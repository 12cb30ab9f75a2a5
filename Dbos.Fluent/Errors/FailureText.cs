namespace Dbos.Fluent.Errors;

/// <summary>Texts of others inside our messages.</summary>
internal static class FailureText
{
    /// <summary>A failure as a sentence, and what to do about it, unless it is one of ours and says so itself.</summary>
    public static string Of(RecordedFailure failure, string remedy)
    {
        var text = $"{failure.TypeName}: {Sentence(failure.Message)}";
        return failure.Message.StartsWith("DBOS", StringComparison.Ordinal) ? text : $"{text} {remedy}";
    }

    /// <summary>Words that are not ours, closed so that what follows does not run on from them.</summary>
    public static string Sentence(string text)
    {
        var trimmed = text.TrimEnd();
        return trimmed is [.., '.' or '!' or '?'] ? trimmed : trimmed + ".";
    }
}
