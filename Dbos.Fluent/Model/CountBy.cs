namespace Dbos.Fluent;

/// <summary>The property by which workflows are grouped and counted.</summary>
public enum CountBy
{
    /// <summary>By state: the key is the stored word, such as <c>SUCCESS</c>.</summary>
    Status,

    /// <summary>By the name of their definition.</summary>
    Name,

    /// <summary>By queue; the key is empty for workflows in no queue, whether their row holds no name or an empty one.</summary>
    Queue,

    /// <summary>By the application version they are bound to; the key is empty for workflows bound to none.</summary>
    ApplicationVersion,
}
