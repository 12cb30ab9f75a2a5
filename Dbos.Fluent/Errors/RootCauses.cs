namespace Dbos.Fluent.Errors;

/// <summary>Of failures that are nested too deeply, what is kept in the place of the last level: why it all began.</summary>
internal static class RootCauses
{
    /// <summary>The innermost failure, which has none inside; of several beside each other the first is followed.</summary>
    public static RecordedFailure Of(RecordedFailure failure)
    {
        while (failure.Inner is [var inner, ..])
        {
            failure = inner;
        }

        return failure;
    }

    /// <summary>The innermost exception; one that carries a recorded failure is not looked into.</summary>
    public static Exception Of(Exception exception)
    {
        while (exception is not DbosException && Inside(exception) is { } inner)
        {
            exception = inner;
        }

        return exception;
    }

    private static Exception? Inside(Exception exception) =>
        exception is AggregateException { InnerExceptions: [var first, ..] } ? first : exception.InnerException;
}
