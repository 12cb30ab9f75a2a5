namespace Dbos.Fluent;

/// <summary>What workflows are counted by.</summary>
public enum CountBy
{
    /// <summary>By state: the key is the stored word, such as <c>SUCCESS</c>.</summary>
    Status,

    /// <summary>By the name of their definition.</summary>
    Name,

    /// <summary>By queue; the key is empty for those that are in none, whether their row has no name or an empty one.</summary>
    Queue,

    /// <summary>By the application version they are bound to; the key is empty for those that are open.</summary>
    ApplicationVersion,
}
