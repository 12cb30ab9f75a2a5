using System.Reflection;

namespace Dbos.Fluent.Definitions;

/// <summary>Decides which methods belong to a workflow's own code.</summary>
internal static class OwnCode
{
    /// <summary>Whether a method that the code refers to is part of it.</summary>
    public static bool Includes(MethodBase method, Module by) =>
        MemberNames.IsGenerated(method) || (method.Module == by && MakesSteps(method));

    /// <summary>Whether a method that is passed to a definition as a delegate is part of the code.</summary>
    /// <remarks>
    /// A general-purpose method passed by name, such as <c>Convert.ToString</c>, is not part of it. A method without a type was made at run
    /// time, and makes the code unknown.
    /// </remarks>
    public static bool MayBeGiven(MethodInfo method) =>
        method.DeclaringType is null
        || MemberNames.IsGenerated(method)
        || MakesSteps(method)
        || method.GetParameters().Any(parameter => parameter.ParameterType.Assembly == typeof(Step).Assembly);

    /// <summary>Whether a type is a step type, or contains steps.</summary>
    public static bool IsOfSteps(Type type) =>
        typeof(Step).IsAssignableFrom(type)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(StepOr<>) || type.GetGenericArguments().Any(IsOfSteps)))
        || (type.IsArray && IsOfSteps(type.GetElementType()!));

    private static bool MakesSteps(MethodBase method) =>
        !method.IsAbstract && method is MethodInfo { ReturnType: var type } && IsOfSteps(type);
}
