namespace Dbos.Fluent.Model;

/// <summary>Texts that have a special meaning in the tables of every SDK, so that users may not use them.</summary>
internal static class ReservedTexts
{
    /// <summary>Stored where a message has no topic.</summary>
    public const string NoTopic = "__null__topic__";

    /// <summary>The last value of a closed stream.</summary>
    public const string StreamClosed = "__DBOS_STREAM_CLOSED__";

    /// <summary>Checks a topic, which may be null, and returns it.</summary>
    public static string? CheckTopic(string? topic, string parameter) => topic switch
    {
        null => null,
        NoTopic => throw new ArgumentException($"The topic '{NoTopic}' means no topic in the store: choose another one.", parameter),
        _ => Names.CheckName(topic, parameter),
    };

    /// <summary>Checks a value before it is written to a stream, and returns it.</summary>
    public static T CheckStreamValue<T>(T value, string parameter) => value is StreamClosed
        ? throw new ArgumentException($"The value '{StreamClosed}' marks the end of a stream: close the stream instead.", parameter)
        : value;
}
